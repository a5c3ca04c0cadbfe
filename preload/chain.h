// SPDX-License-Identifier: Apache-2.0
// What follows a crash, exactly as it would without us.
#ifndef INQUEST_CHAIN_H
#define INQUEST_CHAIN_H

#include "launch.h"
#include "machine.h"

// Whether the process goes on: as the init of its PID namespace it is spared the default action of
// a signal that was sent. Our handler then stays.
bool chain_survives(const struct crash *crash);

// Prepares the process to die of the default action once the handler returns.
void chain_to_default(const struct crash *crash, struct signal_context *context);

#endif
