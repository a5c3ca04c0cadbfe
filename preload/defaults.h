// SPDX-License-Identifier: Apache-2.0
// Our handler in the place of the default action, and what the program believes to stand there.
//
// A program that sets SIG_DFL may later ask with which flags and mask it did. Where are they kept
// meanwhile? In the kernel, which exchanges actions atomically, gives a forked child its own copy
// and a vforked child too: our handler has 64 entries, and which of them is installed says it.
#ifndef INQUEST_DEFAULTS_H
#define INQUEST_DEFAULTS_H

#include "signals.h"

// The entry for a default action that was set with these flags and this mask; ACTION_DEFAULT once
// there are too many different ones.
signal_handler entry_for_default(unsigned long flags, signal_set mask);

// The entry for a default action that nobody ever set.
signal_handler entry_for_untouched_default(void);

// Whether this is one of our entries; if so, the flags and the mask that it stands for.
bool is_entry(signal_handler handler, unsigned long *flags, signal_set *mask);

#endif
