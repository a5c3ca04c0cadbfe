// SPDX-License-Identifier: Apache-2.0
// Starts the collector in createdump's place.
#ifndef INQUEST_HANDOVER_H
#define INQUEST_HANDOVER_H

#include "request.h"

struct call {  // what execve was given
  const char *path;
  char *const *argv, *const *envp;
  char *const *configuration;  // where INQUEST_… is looked up: envp, or environ if there is none
};

// Returns only when nothing could be executed; then what execve would have returned.
long hand_over(const struct call *call, const struct request *request, long parent);

#endif
