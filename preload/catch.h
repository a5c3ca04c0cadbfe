// SPDX-License-Identifier: Apache-2.0
// INQUEST_CATCH=1: which signals we take in this process, and the putting of our handler.
#ifndef INQUEST_CATCH_H
#define INQUEST_CATCH_H

#include "signals.h"

bool catch_is_wanted(char *const *environment);

// Called by the constructor. Takes the fatal signals whose action is still the default.
void catch_start(void);

bool is_catching(void);
bool is_caught(int number);

// Our handler as the default action that a program has set with these flags and this mask. Or the
// default action, should there be no way to remember that.
struct kernel_action caught_action(unsigned long flags, signal_set mask);

// Puts our handler where the default action stands by now, and nothing else.
void catch_again(int number);

// Puts the default action where our handler stands, as the program has set it.
void catch_no_more(int number);
void catch_nothing_more(void);

#endif
