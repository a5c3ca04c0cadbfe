// SPDX-License-Identifier: Apache-2.0
// What happens at a crash.
#ifndef INQUEST_HANDLER_H
#define INQUEST_HANDLER_H

#include "machine.h"

// The handler; its entries (entry.h) jump to it.
void inquest_handle(int number, struct signal_information *information,
                    struct signal_context *context) __attribute__((visibility("hidden"), used));

#endif
