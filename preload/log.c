// SPDX-License-Identifier: Apache-2.0
#include "log.h"

#include "environment.h"
#include "kernel.h"

static struct kernel_buffer buffer_of(const char *text) {
  return (struct kernel_buffer){text, text_length(text)};
}

void log_error(const char *a, const char *b, const char *c, const char *d) {
  struct kernel_buffer line[] = {buffer_of("inquest: "), buffer_of(a), buffer_of(b),
                                 buffer_of(c),           buffer_of(d), buffer_of("\n")};
  if (!kernel_takes_words(STANDARD_ERROR)) return;
  kernel_write_all(STANDARD_ERROR, line, sizeof line / sizeof *line);
}

void log_debug(char *const *environment, const char *a, const char *b, const char *c,
               const char *d) {
  const char *level = environment_get(environment, "INQUEST_LOG=");
  if (level && text_equal(level, "debug")) log_error(a, b, c, d);
}
