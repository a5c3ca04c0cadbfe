#include "CLinux.h"

#include <grp.h>
#include <linux/capability.h>
#include <link.h>
#include <linux/openat2.h>
#include <sched.h>
#include <sys/resource.h>
#include <sys/stat.h>

// A signal handler has nobody to ask but globals. Threads beyond the last slot stay ours until we exit.
static struct {
  pid_t waiting[64];
  volatile int count;
} late;

// Async-signal-safe: system calls only. A stop tells its tracer with SIGCHLD.
static void release_stopped(int signal) {
  (void)signal;
  int error = errno;
  for (int i = 0; i < late.count; i++) {
    int status = 0;
    pid_t tid = late.waiting[i];
    if (tid == 0) continue;
    pid_t found = waitpid(tid, &status, __WALL | WNOHANG);
    if (found == 0) continue;
    late.waiting[i] = 0;
    if (found < 0 || !WIFSTOPPED(status)) continue;
    // No event: it was about to be given a signal, which it gets now.
    ptrace(PTRACE_DETACH, tid, NULL, (void *)(uintptr_t)(status >> 16 ? 0 : WSTOPSIG(status)));
  }
  errno = error;
}

void inquest_release_when_stopped(pid_t tid) {
  if (late.count == sizeof late.waiting / sizeof *late.waiting) return;
  late.waiting[late.count] = tid;
  late.count++;
  struct sigaction action;
  memset(&action, 0, sizeof action);
  action.sa_handler = release_stopped;
  action.sa_flags = SA_RESTART;
  sigaction(SIGCHLD, &action, NULL);
  // It may have stopped just before anybody listened.
  release_stopped(SIGCHLD);
}

int inquest_become_user(uint32_t user, uint32_t group, const uint32_t *groups, size_t count) {
  // One without the capability may not even set what it has, so only differences are set.
  gid_t current[1024];
  int have = getgroups(1024, current);
  int same = have == (int)count;
  for (size_t i = 0; same && i < count; i++) same = current[i] == groups[i];
  if (!same && setgroups(count, groups) != 0) return errno;
  if (setresgid(group, group, group) != 0) return errno;
  if (setresuid(user, user, user) != 0) return errno;
  return 0;
}

int inquest_drop_capabilities(void) {
  if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0) return errno;
  prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0);
  struct __user_cap_header_struct header = {_LINUX_CAPABILITY_VERSION_3, 0};
  struct __user_cap_data_struct none[2] = {{0}};
  return syscall(SYS_capset, &header, none) == 0 ? 0 : errno;
}

int inquest_enter_namespace(int descriptor, int kind) {
  return setns(descriptor, kind) == 0 ? 0 : errno;
}

int inquest_enter_root(int descriptor) {
  return fchdir(descriptor) == 0 && chroot(".") == 0 && chdir("/") == 0 ? 0 : errno;
}

int inquest_look_up(int root, const char *path) {
  struct open_how how = {.flags = O_PATH | O_CLOEXEC, .resolve = RESOLVE_IN_ROOT};
  return (int)syscall(SYS_openat2, root, path, &how, sizeof how);
}

// Whether the loader has written to an image's code (DT_TEXTREL, DF_TEXTREL): that cannot be had again.
static int has_own_code(const struct dl_phdr_info *image) {
  for (int index = 0; index < image->dlpi_phnum; index++) {
    if (image->dlpi_phdr[index].p_type != PT_DYNAMIC) continue;
    const ElfW(Dyn) *entry = (const void *)(image->dlpi_addr + image->dlpi_phdr[index].p_vaddr);
    for (; entry->d_tag != DT_NULL; entry++) {
      if (entry->d_tag == DT_TEXTREL) return 1;
      if (entry->d_tag == DT_FLAGS && entry->d_un.d_val & DF_TEXTREL) return 1;
    }
  }
  return 0;
}

static int drop_segments(struct dl_phdr_info *image, size_t size, void *unused) {
  (void)size;
  (void)unused;
  if (has_own_code(image)) return 0;
  for (int index = 0; index < image->dlpi_phnum; index++) {
    const ElfW(Phdr) *segment = &image->dlpi_phdr[index];
    if (segment->p_type != PT_LOAD || segment->p_flags & PF_W) continue;
    uintptr_t start = (image->dlpi_addr + segment->p_vaddr) & ~(uintptr_t)4095;
    uintptr_t end = (image->dlpi_addr + segment->p_vaddr + segment->p_memsz) & ~(uintptr_t)4095;
    if (start < end) madvise((void *)start, end - start, MADV_DONTNEED);
  }
  return 0;
}

void inquest_drop_code(void) { dl_iterate_phdr(drop_segments, NULL); }

int64_t inquest_link_count(int directory, const char *path) {
  struct stat status;
  return fstatat(directory, path, &status, 0) == 0 ? (int64_t)status.st_nlink : -1;
}

int64_t inquest_file_size(int directory, const char *path) {
  struct stat status;
  return fstatat(directory, path, &status, 0) == 0 ? (int64_t)status.st_size : -1;
}

int inquest_limit_file_size(uint64_t most) {
  struct rlimit limit;
  if (getrlimit(RLIMIT_FSIZE, &limit) != 0) return errno;
  if (limit.rlim_cur <= most) return 0;
  limit.rlim_cur = most;
  return setrlimit(RLIMIT_FSIZE, &limit) == 0 ? 0 : errno;
}

int inquest_memory_file(void) {
  int file = memfd_create("inquest", MFD_CLOEXEC | MFD_ALLOW_SEALING);
  if (file >= 0 && fcntl(file, F_ADD_SEALS, F_SEAL_SHRINK) != 0) {
    close(file);
    return -1;
  }
  return file;
}

int inquest_cores(void) {
  cpu_set_t set;
  return sched_getaffinity(0, sizeof set, &set) == 0 ? CPU_COUNT(&set) : 1;
}

int inquest_start_thread(pthread_t *thread, void *(*body)(void *), void *argument) {
  pthread_attr_t attributes;
  if (pthread_attr_init(&attributes) != 0) return ENOMEM;
  pthread_attr_setstacksize(&attributes, 256 << 10);
  sigset_t all, before;
  sigfillset(&all);
  pthread_sigmask(SIG_SETMASK, &all, &before);
  int result = pthread_create(thread, &attributes, body, argument);
  pthread_sigmask(SIG_SETMASK, &before, NULL);
  pthread_attr_destroy(&attributes);
  return result;
}
