// SPDX-License-Identifier: Apache-2.0
// Programs that run at their limits: memory, stack, processes, descriptors, file sizes, time.
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>

#include "contract.h"

static void limit(int resource, rlim_t value) {
  struct rlimit both = {value, value};
  require(setrlimit(resource, &both) == 0, "setrlimit");
}

static void no_core(void) {
  limit(RLIMIT_CORE, 0);
  for (int i = 0; i < FATAL; i++) IN_CHILD(signal_name(fatal[i])) raise(fatal[i]);
  IN_CHILD("fault") *nowhere = 1;
}

static void limits_seen(void) {
  const int resources[] = {RLIMIT_CORE, RLIMIT_STACK, RLIMIT_NOFILE, RLIMIT_FSIZE};
  for (size_t i = 0; i < sizeof resources / sizeof *resources; i++) {
    struct rlimit both;
    getrlimit((int)resources[i], &both);
    say("%d: %llx %llx", resources[i], (unsigned long long)both.rlim_cur,
        (unsigned long long)both.rlim_max);
  }
}

// Nothing more can be mapped.
static void no_address_space(void) {
  for (int i = 0; i < FATAL; i++) IN_CHILD(signal_name(fatal[i])) {
      limit(RLIMIT_AS, 1);
      raise(fatal[i]);
    }
  IN_CHILD("fault") {
    limit(RLIMIT_AS, 1);
    *nowhere = 1;
  }
}

static void *nothing(void *unused) { return unused; }
static void no_address_space_for_thread(void) {
  pthread_t thread;
  limit(RLIMIT_AS, 1);
  say("%s", error_name(pthread_create(&thread, NULL, nothing, NULL)));
  errno = 0;
  void *memory = mmap(NULL, 4096, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  say("%s", memory == MAP_FAILED ? error_name(errno) : "mapped");
}

static void recurse(int depth) {
  volatile char room[4096];
  room[0] = (char)depth;
  recurse(depth + 1);
  room[1] = room[0];
}
static void small_stack(void) {
  IN_CHILD("main") {
    limit(RLIMIT_STACK, 262144);
    recurse(0);
  }
}

// Root may always make more: these become somebody else first.
static void no_processes(void) {
  for (int i = 0; i <= FATAL; i++) IN_CHILD(i < FATAL ? signal_name(fatal[i]) : "fault") {
      become_nobody();
      limit(RLIMIT_NPROC, 0);
      if (i < FATAL) raise(fatal[i]);
      *nowhere = 1;
    }
}

static void no_processes_for_fork(void) {
  IN_CHILD("child") {
    pthread_t thread;
    become_nobody();
    limit(RLIMIT_NPROC, 0);
    pid_t child = fork();
    if (child == 0) _exit(0);
    say("fork %s", child < 0 ? error_name(errno) : "worked");
    say("thread %s", error_name(pthread_create(&thread, NULL, nothing, NULL)));
  }
}

static void dies_as_nobody(void) {
  for (int i = 0; i < FATAL; i++) IN_CHILD(signal_name(fatal[i])) {
      become_nobody();
      raise(fatal[i]);
    }
  IN_CHILD("fault") {
    become_nobody();
    *nowhere = 1;
  }
}

static void no_descriptors(void) {
  for (int i = 0; i <= FATAL; i++) IN_CHILD(i < FATAL ? signal_name(fatal[i]) : "fault") {
      limit(RLIMIT_NOFILE, 0);
      if (i < FATAL) raise(fatal[i]);
      *nowhere = 1;
    }
}

static void lowest_descriptor(void) {
  int first = open("/dev/null", O_RDONLY), second = open("/dev/null", O_RDONLY);
  say("%d %d", first, second);
  close(0);
  say("%d", open("/dev/null", O_RDONLY));
}

static void standard_descriptors_closed(void) {
  for (int i = 0; i <= FATAL; i++) IN_CHILD(i < FATAL ? signal_name(fatal[i]) : "fault") {
      close(0);
      close(1);
      close(2);
      if (i < FATAL) raise(fatal[i]);
      *nowhere = 1;
    }
}

static void descriptor_two_is_a_file(void) {
  char text[16] = "";
  int file = open(".", O_TMPFILE | O_RDWR, 0600);
  IN_CHILD("child") {
    dup2(file, 2);
    *nowhere = 1;
  }
  say("%zd bytes in it", pread(file, text, sizeof text, 0));
}

static void all_descriptors_used(void) {
  limit(RLIMIT_NOFILE, 32);
  int count = 0;
  while (open("/dev/null", O_RDONLY) >= 0) count++;
  say("%d more, then %s", count, error_name(errno));
  IN_CHILD("fault") *nowhere = 1;
}

static void file_size(void) {
  char room[1000] = "";
  int file = open(".", O_TMPFILE | O_RDWR, 0600);
  IN_CHILD("by default") {
    limit(RLIMIT_FSIZE, 1500);
    say("%zd", write(file, room, sizeof room));
    say("%zd", write(file, room, sizeof room));
    say("%zd", write(file, room, sizeof room));
  }
  IN_CHILD("ignored") {
    signal(SIGXFSZ, SIG_IGN);
    limit(RLIMIT_FSIZE, 1500);
    ssize_t count = write(file, room, sizeof room);
    say("%zd %s", count, error_name(errno));
  }
  IN_CHILD("and a fault") {
    limit(RLIMIT_FSIZE, 0);
    *nowhere = 1;
  }
}

static void processor_time(void) {
  IN_CHILD("spinning") {
    struct rlimit one = {1, 10};
    setrlimit(RLIMIT_CPU, &one);
    for (volatile long i = 0;; i++) continue;
  }
}

static void broken_pipe(void) {
  int ends[2];
  require(pipe(ends) == 0, "pipe");
  close(ends[0]);
  IN_CHILD("by default") if (write(ends[1], "x", 1) < 0) say("not reached");
  signal(SIGPIPE, SIG_IGN);
  ssize_t count = write(ends[1], "x", 1);
  say("%zd %s", count, error_name(errno));
}

static void no_room_to_lock(void) {
  IN_CHILD("fault") {
    limit(RLIMIT_MEMLOCK, 0);
    *nowhere = 1;
  }
  IN_CHILD("all locked") {
    mlockall(MCL_CURRENT | MCL_FUTURE);
    *nowhere = 1;
  }
}

static void no_signals_may_queue(void) {
  for (int i = 0; i <= FATAL; i++) IN_CHILD(i < FATAL ? signal_name(fatal[i]) : "fault") {
      limit(RLIMIT_SIGPENDING, 0);
      if (i < FATAL) raise(fatal[i]);
      *nowhere = 1;
    }
  limit(RLIMIT_SIGPENDING, 0);
  errno = 0;
  int result = sigqueue(getpid(), SIGSEGV, (union sigval){.sival_int = 1});
  say("%d %s", result, error_name(errno));
}

const struct behaviour behaviours[] = {
    {"no-core", no_core},
    {"limits-seen", limits_seen},
    {"no-address-space", no_address_space},
    {"no-address-space-for-thread", no_address_space_for_thread},
    {"small-stack", small_stack},
    {"no-processes", no_processes},
    {"no-processes-for-fork", no_processes_for_fork},
    {"dies-as-nobody", dies_as_nobody},
    {"no-descriptors", no_descriptors},
    {"lowest-descriptor", lowest_descriptor},
    {"standard-descriptors-closed", standard_descriptors_closed},
    {"descriptor-two-is-a-file", descriptor_two_is_a_file},
    {"all-descriptors-used", all_descriptors_used},
    {"file-size", file_size},
    {"processor-time", processor_time},
    {"broken-pipe", broken_pipe},
    {"no-room-to-lock", no_room_to_lock},
    {"no-signals-may-queue", no_signals_may_queue},
    {NULL, NULL},
};
