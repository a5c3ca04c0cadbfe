// SPDX-License-Identifier: Apache-2.0
#include "handler.h"

#include <signal.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "coroutine.h"

// printf is not allowed in a handler, write(2) is: signal-safety(7).
struct line {
  char text[256];
  size_t length;
};

static void add(struct line *line, const char *text) {
  while (*text && line->length < sizeof line->text) line->text[line->length++] = *text++;
}

static void add_number(struct line *line, uintptr_t number, unsigned base) {
  char digits[24];
  char *first = digits + sizeof digits;
  *--first = 0;
  do *--first = "0123456789abcdef"[number % base];
  while ((number /= base));
  if (base == 16) add(line, "0x");
  add(line, first);
}

static void on_fault(int number, siginfo_t *info, void *context) {
  (void)context;
  struct line line = {.length = 0};
  uintptr_t address = (uintptr_t)info->si_addr;
  const struct coroutine *coroutine = coroutine_guarding(address);
  if (coroutine) {
    add(&line, "call stack overflow in coroutine ");
    add_number(&line, (uintptr_t)coroutine->number, 10);
    add(&line, " (stack ");
    add_number(&line, coroutine->start, 16);
    add(&line, "-");
    add_number(&line, coroutine->end, 16);
    add(&line, ", ");
    add_number(&line, coroutine->end - coroutine->start, 10);
    add(&line, " bytes)\n");
  } else {
    add(&line, "memory fault at ");
    add_number(&line, address, 16);
    add(&line, "\n");
  }
  if (write(STDERR_FILENO, line.text, line.length) < 0) _exit(1);
  // Back to the default: the instruction is executed again, faults again and ends the process by this very signal,
  // with the registers of the fault in the core file.
  signal(number, SIG_DFL);
}

void handler_install(void) {
  struct sigaction action;
  memset(&action, 0, sizeof action);
  action.sa_sigaction = on_fault;
  action.sa_flags = SA_SIGINFO | SA_ONSTACK;
  sigaction(SIGSEGV, &action, NULL);
  sigaction(SIGBUS, &action, NULL);
}

void handler_prepare_thread(void) {
  size_t size = 4 * (size_t)SIGSTKSZ;
  void *memory =
      mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  stack_t stack = {.ss_sp = memory, .ss_size = size};
  if (memory == MAP_FAILED || sigaltstack(&stack, NULL)) _exit(1);
}
