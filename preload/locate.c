// SPDX-License-Identifier: Apache-2.0
#include "locate.h"

#include "environment.h"
#include "kernel.h"

bool preload_next(struct preload_entry *entry) {
  const char *c = entry->start + entry->length;
  while (*c == ':' || *c == ' ') c++;
  entry->start = c;
  while (*c && *c != ':' && *c != ' ') c++;
  entry->length = (size_t)(c - entry->start);
  return entry->length != 0;
}

// A reader of /proc/self/maps that sees one byte at a time, so that no line is too long for it.
struct maps_reader {
  enum { LOW, HIGH, ATTRIBUTES, PATH } field;
  uintptr_t low, high;
  char *path;
  size_t length;
};

static void add_digit(uintptr_t *number, char c) {
  *number = *number << 4 | (uintptr_t)(c <= '9' ? c - '0' : c - 'a' + 10);
}

// True once the path of the mapping that holds `address` has been read to its end.
static bool maps_feed(struct maps_reader *maps, char c, uintptr_t address) {
  if (c == '\n') {
    if (maps->field == PATH) return true;
    maps->field = LOW;
    maps->low = maps->high = 0;
    return false;
  }
  switch (maps->field) {
    case LOW:
      if (c == '-') maps->field = HIGH;
      else add_digit(&maps->low, c);
      break;
    case HIGH:
      if (c == ' ') maps->field = ATTRIBUTES;
      else add_digit(&maps->high, c);
      break;
    case ATTRIBUTES:
      if (c != '/' || address < maps->low || address >= maps->high) break;
      maps->field = PATH;
      // fallthrough
    case PATH:
      if (maps->length < LONGEST_PATH) maps->path[maps->length++] = c;
      break;
  }
  return false;
}

static bool read_from_maps(char *path, char *buffer) {
  struct maps_reader maps = {.field = LOW, .path = path};
  uintptr_t here = (uintptr_t)&read_from_maps;
  bool found = false;
  long size, descriptor = kernel_open_for_reading("/proc/self/maps");
  if (descriptor < 0) return false;
  while (!found && (size = kernel_read(descriptor, buffer, READ_AT_ONCE)) > 0)
    for (long i = 0; i < size && !found; i++) found = maps_feed(&maps, buffer[i], here);
  kernel_close(descriptor);
  // The file may have been replaced while the service ran; its folder is still the right one.
  static const char gone[] = " (deleted)";
  if (text_ends(path, maps.length, gone)) maps.length -= sizeof gone - 1;
  path[maps.length] = 0;
  return found;
}

static bool read_from_preload(char *const *environment, char *path) {
  const char *list = environment_get(environment, "LD_PRELOAD=");
  struct preload_entry entry = {list, 0};
  while (list && preload_next(&entry)) {
    size_t base = text_base(entry.start, entry.length);
    if (!base || entry.length > LONGEST_PATH) continue;
    if (!text_is(entry.start + base, entry.length - base, LIBRARY_NAME)) continue;
    for (size_t i = 0; i < entry.length; i++) path[i] = entry.start[i];
    path[entry.length] = 0;
    return true;
  }
  return false;
}

const char *locate_self(char *const *environment, struct arena *arena) {
  char *path = arena_take(arena, LONGEST_PATH + 1);
  char *buffer = arena_take(arena, READ_AT_ONCE);
  if (!path || !buffer) return NULL;
  if (read_from_maps(path, buffer) || read_from_preload(environment, path)) return path;
  return NULL;
}

const char *locate_collector(const char *self, unsigned index, struct arena *arena) {
  static const char *const from_library[] = {
      "../../libexec/inquest/inquest-collector",  // installed
      "inquest-collector",                        // a development tree
  };
  if (!self || index >= sizeof from_library / sizeof *from_library) return NULL;
  char *start = arena->next;
  arena_put(arena, self, text_base(self, text_length(self)));
  arena_put_text(arena, from_library[index]);
  return arena_finish(arena, start);
}
