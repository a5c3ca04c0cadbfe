// A library that takes the place of libmscordaccore.so and does as ACT says while it is loaded.
//   cc -shared -fPIC -DVERSION='"@(#)Version …"' -DACT=hang [-DTELL='"file"'] -o libmscordaccore.so hostile-dac.c
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

__attribute__((used)) const char version[] = VERSION;
// A DAC is not small.
__attribute__((used)) char padding[8192] = {1};

enum { channel = 3, target = 5 };

static void nothing(void) {}
static void crash(void) { *(volatile int *)8 = 0; }
static void hang(void) {
  for (;;) pause();
}
static void spin(void) {
  for (;;) __asm__ volatile("");
}
static void stop(void) { raise(SIGSTOP); }
static void leave(void) { exit(0); }
static void babble(void) {
  printf("from the library\n");
  fflush(stdout);
  fprintf(stderr, "from the library\n");
  dprintf(1, "from the library\n");
  for (int i = 0; i < 1024; i++) close(i);
}
// Whoever is left over would keep the socket open, and live on.
static void breed(void) {
  signal(SIGHUP, SIG_IGN);
  prctl(PR_SET_PDEATHSIG, 0);
  for (int i = 0; i < 3; i++) {
    if (fork() == 0) hang();
    if (vfork() == 0) _exit(0);
    if (syscall(SYS_clone, SIGCHLD, 0, 0, 0, 0) == 0) hang();
    struct {
      uint64_t flags, pidfd, child, parent, exit_signal, stack, size, tls;
    } arguments = {.exit_signal = SIGCHLD};
    if (syscall(SYS_clone3, &arguments, sizeof arguments) == 0) hang();
  }
  execl("/bin/sleep", "sleep", "3600", NULL);
}
// Takes what it gets; hangs with more than 2 GB.
static void fill(void) {
  for (int i = 0; malloc(1 << 24); i++) {
    if (i == 128) hang();
  }
}
static void answer(uint32_t length, const void *bytes) {
  if (write(channel, &length, 4) != 4) _exit(1);
  for (uint32_t sent = 0; sent < length;) {
    ssize_t count = write(channel, (const char *)bytes + sent, length - sent);
    if (count <= 0) _exit(1);
    sent += count;
  }
}
static void question(void) {
  uint32_t length = 0;
  char bytes[8192];
  if (read(channel, &length, 4) != 4) _exit(0);
  if (read(channel, bytes, length) < 0) _exit(0);
}
// Says that it is ready, and then nothing true.
static void greet_at_length(void) {
  uint32_t length = 0xffffffff;
  if (write(channel, &length, 4) != 4) _exit(1);
  hang();
}
static void greet_with_a_story(void) {
  static char story[4096];
  memset(story, '\n', sizeof story);
  story[0] = 1;
  answer(sizeof story, story);
}
static void lie_at_length(void) {
  answer(1, "");
  for (;;) {
    question();
    uint32_t length = 0x7fffffff;
    if (write(channel, &length, 4) != 4) _exit(1);
  }
}
static void lie_at_random(void) {
  static uint64_t words[4096];
  uint64_t state = 88172645463325252u;
  answer(1, "");
  for (;;) {
    question();
    for (int i = 0; i < 4096; i++) {
      state ^= state << 13, state ^= state >> 7, state ^= state << 17;
      words[i] = state & 1 ? state >> 8 & 15 : state;
    }
    answer(sizeof words, words);
  }
}
// An answer that is no answer, a million words of it.
static void lie_with_ones(void) {
  static unsigned char ones[8 << 20];
  memset(ones, 0xff, sizeof ones);
  answer(1, "");
  for (;;) {
    question();
    answer(sizeof ones, ones);
  }
}
static void answer_nothing(void) {
  answer(1, "");
  for (;;) {
    question();
    answer(0, "");
  }
}
static void dawdle(void) {
  answer(1, "");
  for (;;) {
    question();
    usleep(400000);
    answer(0, "");
  }
}

#ifdef TELL
static FILE *told;
// The name of a thing that must not work, and whether it did.
static void attempt(const char *what, long result) {
  int error = errno;
  // Any other error is about the arguments, which come after the permission.
  int denied = error == EPERM || error == EACCES || error == ENXIO || error == ENOENT || error == EBADF;
  fprintf(told, "can %s: %s (%d)\n", what, result < 0 && denied ? "no" : "yes", error);
  errno = 0;
}
static void tell(void) {
  char text[4096];
  struct rlimit limit;
  told = fopen(TELL, "w");
  if (!told) _exit(9);
  for (int i = 0; i < 256; i++) {
    char path[64];
    snprintf(path, sizeof path, "/proc/self/fd/%d", i);
    ssize_t length = i == fileno(told) ? -1 : readlink(path, text, sizeof text - 1);
    if (length < 0) continue;
    text[length] = 0;
    int mode = fcntl(i, F_GETFL) & O_ACCMODE;
    fprintf(told, "descriptor %d: %s %s\n", i, mode == O_RDONLY ? "r" : mode == O_WRONLY ? "w" : "rw", text);
  }
  FILE *status = fopen("/proc/self/status", "r");
  while (status && fgets(text, sizeof text, status)) fprintf(told, "status %s", text);
  if (status) fclose(status);
  const char *kinds[] = {"mnt", "pid", "net", "user", "ipc", "uts", "cgroup"};
  for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++) {
    char path[64];
    snprintf(path, sizeof path, "/proc/self/ns/%s", kinds[i]);
    ssize_t length = readlink(path, text, sizeof text - 1);
    fprintf(told, "namespace %s: %.*s\n", kinds[i], length > 0 ? (int)length : 0, text);
  }
  fprintf(told, "directory: %s\n", getcwd(text, sizeof text) ? text : "?");
  int variables = 0, letters = 0;
  while (environ && environ[variables]) variables++;
  int file = open("/proc/self/environ", O_RDONLY);
  ssize_t length = file < 0 ? 0 : read(file, text, sizeof text);
  for (ssize_t i = 0; i < length; i++) letters += text[i] != 0;
  fprintf(told, "environment: %d %d\n", variables, letters);
  getrlimit(RLIMIT_CORE, &limit);
  fprintf(told, "core: %ld dumpable: %d\n", (long)limit.rlim_max, prctl(PR_GET_DUMPABLE));
  fprintf(told, "session of its own: %s\n", getsid(0) == getpid() ? "yes" : "no");
  errno = 0;
#ifdef SECRET
  attempt("read the secret", open(SECRET, O_RDONLY));
#endif
  attempt("begin a process", fork());
  attempt("execute", execl("/bin/true", "true", NULL));
  pid_t parent = getppid() ? getppid() : 1;
  attempt("signal its parent", kill(parent, 0));
  attempt("signal everyone", kill(-1, 0));
  attempt("signal a thread", syscall(SYS_tkill, parent, 0));
  attempt("trace its parent", ptrace(PTRACE_ATTACH, parent, NULL, NULL));
  snprintf(text, sizeof text, "/proc/%d/mem", parent);
  attempt("write its parent's memory", open(text, O_RDWR));
  char byte = 0;
  attempt("write the target's memory", pwrite(target, &byte, 1, 4096));
  attempt("open the terminal", open("/dev/tty", O_RDWR));
  attempt("type", ioctl(0, TIOCSTI, "x"));
  attempt("talk to the network", socket(AF_INET, SOCK_DGRAM, 0));
  attempt("talk to daemons", socket(AF_UNIX, SOCK_STREAM, 0));
  attempt("reach keys", syscall(SYS_keyctl, 0, -3, 0));
  attempt("outlive its parent", prctl(PR_SET_PDEATHSIG, 0));
  attempt("be traced", prctl(PR_SET_DUMPABLE, 1));
  attempt("make a device", mknod("/tmp/inquest-device", S_IFCHR | 0600, 0x103));
  attempt("mount", syscall(SYS_mount, "none", "/", "no such file system", 0, 0));
  attempt("change its root", chroot("/tmp"));
  attempt("leave its namespaces", syscall(SYS_unshare, 0x10000000));
  attempt("use another ring", syscall(SYS_io_uring_setup, 1, text));
  struct rlimit none = {0, 0};
  attempt("limit its parent", syscall(SYS_prlimit64, parent, RLIMIT_CPU, &none, NULL));
  fclose(told);
}
#endif

__attribute__((constructor)) static void load(void) { ACT(); }

// What nobody chose.
__attribute__((used)) static void *const all[] = {
    nothing, crash, hang, spin, stop, leave, babble, breed, fill, greet_at_length, greet_with_a_story,
    lie_at_length, lie_at_random, lie_with_ones, answer_nothing, dawdle,
};
