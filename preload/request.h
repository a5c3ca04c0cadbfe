// SPDX-License-Identifier: Apache-2.0
// Reads createdump's arguments: is this a crash, and of our parent?
#ifndef INQUEST_REQUEST_H
#define INQUEST_REQUEST_H

#include <stdbool.h>
#include <stddef.h>

#include "marker.h"

struct request {
  size_t argc;
  size_t name;            // where the value of --name stands in argv; 0 when there is none
  bool crash_facts;       // --signal N and the like, which only a crash on 6 and later has
  bool other_process;     // a pid that is not our parent's
  struct marked_name as;  // the name, read; UNMARKED when there is none
};

void request_read(char *const *argv, long parent, struct request *out);

// Why this is none of our business, or NULL when it is a crash of our parent.
const char *request_refusal(const struct request *request);

#endif
