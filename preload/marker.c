// SPDX-License-Identifier: Apache-2.0
#include "marker.h"

static const char not_wanted[] = "/dev/null/.//.";
static const char cut[] = "/.//./";  // stands for one slash, before the last component
static const char relative[] = "././/././";
// `%d` is the pid for 3.1 (which knows nothing else) and, undocumented, for 8.0.
static const char unnamed[] = "/.//.//./coredump.%d";

struct value value_of(const char *text) {
  return (struct value){text != NULL, "", 0, text ? text : ""};
}

size_t value_length(const struct value *value) {
  return value->head_length + text_length(value->tail);
}

void value_put(struct arena *arena, const struct value *value) {
  arena_put(arena, value->head, value->head_length);
  arena_put_text(arena, value->tail);
}

static bool read_not_wanted(const char *name, struct marked_name *out) {
  const char *rest = text_after(name, not_wanted);
  if (!rest || (*rest && *rest != '/' && *rest != '=')) return false;
  if (*rest == '=') {
    const char *start = ++rest;
    while (*rest && *rest != '/') rest++;
    out->enable = (struct value){true, start, (size_t)(rest - start), ""};
  }
  out->mark = DUMPS_NOT_WANTED;
  out->name = value_of(*rest ? rest + 1 : NULL);
  return true;
}

void marker_read(const char *name, struct marked_name *out) {
  out->mark = UNMARKED;
  out->name = value_of(name);
  out->enable = value_of(NULL);
  if (read_not_wanted(name, out)) return;

  size_t length = text_length(name), base = text_base(name, length);
  const char *after = text_after(name, relative);
  if (text_ends(name, length, unnamed)) {
    out->mark = DUMPS_UNNAMED;
    out->name = value_of(NULL);
  } else if (after && base == sizeof relative - 1) {
    out->mark = DUMPS_NAMED;
    out->name = value_of(after);
  } else if (text_ends(name, base, cut)) {
    out->mark = DUMPS_NAMED;
    out->name = (struct value){true, name, base - (sizeof cut - 1) + 1, name + base};
  }
}

bool marker_put_wanted(struct arena *arena, const struct value *name, const char *directory) {
  if (!name->set) {
    if (text_length(directory) > LONGEST_NAME) return false;
    arena_put_text(arena, directory);
    arena_put_text(arena, unnamed);
    return true;
  }
  if (value_length(name) > LONGEST_NAME) return false;
  // In a name of two pieces the last slash may be in either.
  size_t tail_length = text_length(name->tail), tail_base = text_base(name->tail, tail_length);
  size_t head_base = text_base(name->head, name->head_length);
  if (tail_base) {
    arena_put(arena, name->head, name->head_length);
    arena_put(arena, name->tail, tail_base - 1);
    arena_put_text(arena, cut);
    arena_put_text(arena, name->tail + tail_base);
  } else {
    if (head_base) arena_put(arena, name->head, head_base - 1);
    arena_put_text(arena, head_base ? cut : relative);
    arena_put(arena, name->head + head_base, name->head_length - head_base);
    arena_put_text(arena, name->tail);
  }
  return true;
}

// A value that is no number to anyone may hold a slash, which would end it early, a percent sign,
// which a runtime would expand, or a whole novel: it is then kept as 0, which means the same.
static bool can_be_kept(const struct value *value) {
  if (value_length(value) > LONGEST_KEPT_ENABLE) return false;
  for (size_t i = 0; i < value->head_length; i++)
    if (value->head[i] == '/' || value->head[i] == '%') return false;
  for (const char *c = value->tail; *c; c++)
    if (*c == '/' || *c == '%') return false;
  return true;
}

bool marker_put_unwanted(struct arena *arena, const struct value *enable,
                         const struct value *name) {
  if (value_length(name) > LONGEST_NAME) return false;
  arena_put_text(arena, not_wanted);
  if (enable->set) {
    arena_put_text(arena, "=");
    if (can_be_kept(enable)) value_put(arena, enable);
    else arena_put_text(arena, "0");
  }
  if (name->set) {
    arena_put_text(arena, "/");
    value_put(arena, name);
  }
  return true;
}
