// SPDX-License-Identifier: Apache-2.0
// A crash analyser as one writes it with libunwind-ptrace, up to the moment at which it destroys itself:
//
//   stock TID
//
// It steps through the thread's stack with libunwind's own accessors. For a mapping that is no ELF file
// libunwind (src/elfxx.c, elf_map_image) maps the file, unmaps it again and keeps the address; the next look-up
// (_UPTi_find_unwind_info.c, invalidate_edi) unmaps that range once more, whoever has it by then: issue 739.
// Exit status: 0 nothing was lost, 3 memory of ours is gone, 1 something else went wrong.
#define _GNU_SOURCE
#include <errno.h>
#include <libunwind-ptrace.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/ptrace.h>
#include <sys/wait.h>

enum { SIZE = 8192 };

// mincore(2): ENOMEM where nothing is mapped. Looking at the memory itself would be the crash.
static int is_mapped(void *address) {
  unsigned char pages[SIZE / 4096];
  return mincore(address, SIZE, pages) == 0 || errno != ENOMEM;
}

static int fail(const char *what) {
  perror(what);
  return 1;
}

int main(int argc, char **argv) {
  pid_t thread = argc == 2 ? atoi(argv[1]) : 0;
  if (thread <= 0) return 64;
  if (ptrace(PTRACE_SEIZE, thread, NULL, NULL)) return fail("PTRACE_SEIZE");
  if (ptrace(PTRACE_INTERRUPT, thread, NULL, NULL)) return fail("PTRACE_INTERRUPT");
  if (waitpid(thread, NULL, __WALL) != thread) return fail("waitpid");

  unw_addr_space_t space = unw_create_addr_space(&_UPT_accessors, 0);
  void *target = _UPT_create(thread);
  unw_cursor_t cursor;
  if (!space || !target || unw_init_remote(&cursor, space, target)) return fail("libunwind");

  printf("step 1: %d\n", unw_step(&cursor));
  char *ours = mmap(NULL, SIZE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (ours == MAP_FAILED) return fail("mmap");
  printf("we map 8 KiB of our own at %p: %s\n", (void *)ours, is_mapped(ours) ? "there" : "gone");
  printf("step 2: %d\n", unw_step(&cursor));
  int is_there = is_mapped(ours);
  printf("our 8 KiB at %p: %s\n", (void *)ours,
         is_there ? "there" : "gone, unmapped by libunwind; whoever uses them next crashes");
  return is_there ? 0 : 3;
}
