// SPDX-License-Identifier: Apache-2.0
// One line to standard error in one system call: no lock, no memory.
#ifndef INQUEST_LOG_H
#define INQUEST_LOG_H

// `a` to `d` are written one after the other.
void log_error(const char *a, const char *b, const char *c, const char *d);

// The same, if the environment says INQUEST_LOG=debug.
void log_debug(char *const *environment, const char *a, const char *b, const char *c,
               const char *d);

#endif
