// SPDX-License-Identifier: Apache-2.0
#include "catch.h"

#include "altstack.h"
#include "defaults.h"
#include "environment.h"
#include "launch.h"
#include "machine.h"
#include "next.h"
#include "started.h"

// Written by the constructor; empty again once nothing is to be caught any more.
static signal_set caught;

bool catch_is_wanted(char *const *environment) {
  static const char *const words[] = {"1", "true", "yes", "on"};
  const char *value = environment_get(environment, "INQUEST_CATCH=");
  for (size_t i = 0; value && i < sizeof words / sizeof *words; i++)
    if (text_equal_ignoring_case(value, words[i])) return true;
  return false;
}

bool is_catching(void) { return caught != 0; }

bool is_caught(int number) {
  return number > 0 && number <= LAST_SIGNAL && (caught & set_of(number));
}

struct kernel_action caught_action(unsigned long flags, signal_set mask) {
  return (struct kernel_action){
      .handler = entry_for_default(flags, mask),
      .flags = WITH_INFORMATION | ON_STACK | RESTARTING,
      .mask = ~(signal_set)0,
  };
}

// The restorer of whoever set the default stays with it: libc reports it with the old action.
static struct kernel_action in_place_of(const struct kernel_action *found) {
  struct kernel_action ours = caught_action(found->flags, found->mask);
  bool untouched = !found->flags && !found->mask && !found->restorer;
  if (untouched) ours.handler = entry_for_untouched_default();
  bool restored = found->flags & WITH_RESTORER;
  ours.restorer = restored ? found->restorer : MACHINE_RESTORER;
  ours.flags |= restored ? WITH_RESTORER : MACHINE_RESTORER_FLAG;
  return ours;
}

static bool is_default_or_ours(const struct kernel_action *action) {
  unsigned long flags;
  signal_set mask;
  return action->handler == ACTION_DEFAULT || is_entry(action->handler, &flags, &mask);
}

// Should another thread have set something since we looked, it gets that back.
static void replace(int number, const struct kernel_action *with) {
  struct kernel_action put = *with, found;
  while (kernel_sigaction(number, &put, &found) == 0 && !is_default_or_ours(&found)) put = found;
}

void catch_again(int number) {
  struct kernel_action found;
  if (kernel_sigaction(number, NULL, &found) || found.handler != ACTION_DEFAULT) return;
  struct kernel_action ours = in_place_of(&found);
  if (ours.handler == ACTION_DEFAULT) return;
  replace(number, &ours);
}

void catch_no_more(int number) {
  struct kernel_action found, standard = {.handler = ACTION_DEFAULT};
  if (kernel_sigaction(number, NULL, &found)) return;
  if (!is_entry(found.handler, &standard.flags, &standard.mask)) return;
  standard.flags |= found.flags & WITH_RESTORER;
  standard.restorer = found.restorer;
  replace(number, &standard);
}

void catch_nothing_more(void) {
  signal_set all = caught;
  caught = 0;
  for (int number = 1; number <= LAST_SIGNAL; number++)
    if (all & set_of(number)) catch_no_more(number);
}

void catch_start(void) {
  static const unsigned char fatal[] = {ILLEGAL_INSTRUCTION, TRAP,       ABORTED,        BUS_ERROR,
                                        ARITHMETIC_ERROR,    BAD_MEMORY, BAD_SYSTEM_CALL};
  // The runtime of Go sets its handlers by itself, and what it found there it calls, with its own
  // idea of which stack to do that on.
  if (main_program_is_go()) return;
  started_prepare();
  altstack_prepare();
  launch_prepare();
  signal_set taken = 0;
  for (size_t i = 0; i < sizeof fatal; i++) {
    struct kernel_action found;
    if (kernel_sigaction(fatal[i], NULL, &found) || found.handler != ACTION_DEFAULT) continue;
    taken |= set_of(fatal[i]);
    catch_again(fatal[i]);
  }
  caught = taken;
}
