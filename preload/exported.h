// SPDX-License-Identifier: Apache-2.0
// What hooks have in common.
#ifndef INQUEST_EXPORTED_H
#define INQUEST_EXPORTED_H

#define EXPORTED __attribute__((visibility("default")))

extern int *__errno_location(void) __attribute__((weak));

static inline void set_errno(int error) {
  if (__errno_location) *__errno_location() = error;
}

#endif
