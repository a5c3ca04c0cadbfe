#include "CLinux.h"

#include <linux/audit.h>
#include <linux/filter.h>
#include <linux/keyctl.h>
#include <linux/seccomp.h>
#include <stddef.h>
#include <sys/ioctl.h>
#include <sys/resource.h>

#if defined(__x86_64__)
#define OUR_ARCH AUDIT_ARCH_X86_64
#elif defined(__aarch64__)
#define OUR_ARCH AUDIT_ARCH_AARCH64
#endif

void inquest_forget_environment(const char *kept) {
  const char *found = getenv(kept);
  char *value = found ? strdup(found) : NULL;
  for (char **entry = environ; entry && *entry; entry++) memset(*entry, 0, strlen(*entry));
  // Not clearenv: it leaves no list at all, and the DAC reads through that (both versions).
  static char *none[1];
  environ = none;
  if (value) setenv(kept, value, 1);
  free(value);
}

// Where the filter looks: the call's number, and the low half of an argument (both are little-endian).
#define NUMBER offsetof(struct seccomp_data, nr)
#define ARGUMENT(n) (offsetof(struct seccomp_data, args) + 8 * (n))
#define LOAD(at) BPF_STMT(BPF_LD | BPF_W | BPF_ABS, (at))
#define RETURN(what) BPF_STMT(BPF_RET | BPF_K, (what))
#define DENY RETURN(SECCOMP_RET_ERRNO | EPERM)
// The next instruction is for this value only.
#define WHEN(value) BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, (value), 0, 1)
#define UNLESS(value) BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, (value), 1, 0)
#define NEVER(call) WHEN(call), DENY
// A call that is allowed with one value of an argument only; the number is loaded again afterwards.
#define ONLY_WITH(call, n, value)                                                                          \
  BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, (call), 0, 4), LOAD(ARGUMENT(n)), UNLESS(value), DENY, LOAD(NUMBER)
// A call that is denied with one value of an argument.
#define NOT_WITH(call, n, value)                                                                           \
  BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, (call), 0, 4), LOAD(ARGUMENT(n)), WHEN(value), DENY, LOAD(NUMBER)

static int filter_calls(void) {
  struct sock_filter filter[] = {
      LOAD(offsetof(struct seccomp_data, arch)),
      UNLESS(OUR_ARCH),
      DENY,
      LOAD(NUMBER),
#if defined(__x86_64__)
      // The x32 table, which has all calls once more.
      BPF_JUMP(BPF_JMP | BPF_JGE | BPF_K, 0x40000000, 0, 1),
      DENY,
      NEVER(SYS_fork),
      NEVER(SYS_vfork),
#endif
      // New processes, but not new threads: CLONE_THREAD. clone3's flags are in memory, where a filter
      // cannot see them; told that there is no such call, libc takes clone.
      BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_clone, 0, 4),
      LOAD(ARGUMENT(0)),
      BPF_JUMP(BPF_JMP | BPF_JSET | BPF_K, 0x10000, 1, 0),
      DENY,
      LOAD(NUMBER),
      WHEN(SYS_clone3),
      RETURN(SECCOMP_RET_ERRNO | ENOSYS),
      NEVER(SYS_execve),
      NEVER(SYS_execveat),
      // Other processes. Signals to itself are raise() and abort().
      NEVER(SYS_ptrace),
      NEVER(SYS_process_vm_readv),
      NEVER(SYS_process_vm_writev),
      NEVER(SYS_pidfd_open),
      NEVER(SYS_pidfd_getfd),
      NEVER(SYS_pidfd_send_signal),
      NEVER(SYS_tkill),
      NEVER(SYS_rt_sigqueueinfo),
      NEVER(SYS_rt_tgsigqueueinfo),
      ONLY_WITH(SYS_kill, 0, (uint32_t)getpid()),
      ONLY_WITH(SYS_tgkill, 0, (uint32_t)getpid()),
      ONLY_WITH(SYS_prlimit64, 0, 0),
      NEVER(SYS_setpriority),
      NEVER(SYS_ioprio_set),
      NEVER(SYS_sched_setscheduler),
      NEVER(SYS_sched_setattr),
      // The world outside.
      NEVER(SYS_socket),
      NEVER(SYS_mount),
      NEVER(SYS_umount2),
      NEVER(SYS_pivot_root),
      NEVER(SYS_chroot),
      NEVER(SYS_unshare),
      NEVER(SYS_setns),
#ifdef SYS_mknod
      NEVER(SYS_mknod),
#endif
      NEVER(SYS_mknodat),
      NEVER(SYS_keyctl),
      NEVER(SYS_add_key),
      NEVER(SYS_request_key),
      // What opens other ways into the kernel, or around this filter.
      NEVER(SYS_bpf),
      NEVER(SYS_perf_event_open),
      NEVER(SYS_userfaultfd),
      NEVER(SYS_io_uring_setup),
      NOT_WITH(SYS_ioctl, 1, TIOCSTI),
      NOT_WITH(SYS_ioctl, 1, TIOCSCTTY),
      NOT_WITH(SYS_ioctl, 1, TIOCLINUX),
      // What we have set for good.
      NOT_WITH(SYS_prctl, 0, PR_SET_PDEATHSIG),
      NOT_WITH(SYS_prctl, 0, PR_SET_DUMPABLE),
      NOT_WITH(SYS_prctl, 0, PR_SET_PTRACER),
      RETURN(SECCOMP_RET_ALLOW),
  };
  struct sock_fprog program = {sizeof filter / sizeof *filter, filter};
  return prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program, 0, 0);
}

void inquest_forbid_core(void) {
  struct rlimit none = {0, 0};
  setrlimit(RLIMIT_CORE, &none);
}

int inquest_confine(uint64_t most_memory) {
  setsid();
  inquest_forbid_core();
  struct rlimit memory = {most_memory, most_memory}, now;
  if (getrlimit(RLIMIT_AS, &now) == 0 && now.rlim_max > most_memory) setrlimit(RLIMIT_AS, &memory);
  prctl(PR_SET_DUMPABLE, 0, 0, 0, 0);
  // Fails where keys are switched off; then there are none to reach either.
  syscall(SYS_keyctl, KEYCTL_JOIN_SESSION_KEYRING, NULL);
  if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0) return errno;
  // A change of user clears it (prctl(2)), so it comes last; and it cannot be taken back through the filter.
  prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0);
  return filter_calls() == 0 ? 0 : errno;
}
