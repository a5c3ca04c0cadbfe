// SPDX-License-Identifier: Apache-2.0
// Starts the collector from within the process that it is about, and waits for it.
#ifndef INQUEST_LAUNCH_H
#define INQUEST_LAUNCH_H

#include "signals.h"

struct crash {
  int number;
  const struct signal_information *information;
  long process, thread;
};

// Called by the constructor: takes the memory that a crash will need.
void launch_prepare(void);

// Returns when the report has been written, or could not be.
void launch_collector(const struct crash *crash);

#endif
