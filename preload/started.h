// SPDX-License-Identifier: Apache-2.0
// Whether a collector has been started for a process by the hook of execve, which runs in a child
// of that process: a runtime that launches createdump dies by a signal afterwards, and one report
// is enough.
#ifndef INQUEST_STARTED_H
#define INQUEST_STARTED_H

#include <stdbool.h>

void started_prepare(void);
void started_note(long pid);
bool started_take(long pid);  // whether it was noted; forgets it

#endif
