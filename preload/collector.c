// SPDX-License-Identifier: Apache-2.0
#include "collector.h"

#include "kernel.h"
#include "locate.h"
#include "log.h"

static const char backtraces_off[] = "SWIFT_BACKTRACE=enable=no";
static const char backtraces_saved[] = "INQUEST_SAVED_SWIFT_BACKTRACE=";

static bool is_ours(const struct preload_entry *entry, const char *self) {
  size_t base = text_base(entry->start, entry->length);
  const char *name = entry->start + base;
  size_t length = entry->length - base;
  if (text_is(name, length, LIBRARY_NAME)) return true;
  return self && text_is(name, length, self + text_base(self, text_length(self)));
}

// LD_PRELOAD without us, or NULL when nothing is left. The collector must not run under the shim:
// it starts createdump itself, later.
static char *preload_without_us(const char *list, const char *self, struct arena *arena) {
  static const char variable[] = "LD_PRELOAD=";
  struct preload_entry entry = {list, 0};
  char *start = arena->next;
  arena_put_text(arena, variable);
  bool any = false;
  while (preload_next(&entry)) {
    if (is_ours(&entry, self)) continue;
    if (any) arena_put(arena, entry.start - 1, 1);
    arena_put(arena, entry.start, entry.length);
    any = true;
  }
  char *result = arena_finish(arena, start);
  return any ? result : NULL;
}

static char *saved_backtraces(const char *value, struct arena *arena) {
  char *start = arena->next;
  arena_put_text(arena, backtraces_saved);
  arena_put_text(arena, value);
  return arena_finish(arena, start);
}

// What entry number `index` becomes for whoever is executed next; NULL: left out.
static char *user_entry(struct collector *this, size_t index) {
  for (int v = 0; v < VARIABLES; v++) {
    const struct setting *setting = &this->settings.of[v];
    if (setting->slot != index || !setting->ours) continue;
    if (!setting->user.set) return NULL;
    return setting_as_the_user_had_it(&this->settings, (enum variable)v, &this->arena);
  }
  return this->environment[index];
}

// Swift's runtime would start a backtracer of its own inside our collector if SWIFT_BACKTRACE said
// so; the user's value travels along under another name.
static char *collector_entry(struct collector *this, size_t index) {
  char *entry = this->environment[index];
  const char *value = text_after(entry, "SWIFT_BACKTRACE=");
  if (value) return saved_backtraces(value, &this->arena);
  if (text_after(entry, backtraces_saved)) return NULL;  // an ancestor's
  value = text_after(entry, "LD_PRELOAD=");
  if (value) return preload_without_us(value, this->self, &this->arena);
  return user_entry(this, index);
}

char **collector_environment(struct collector *this, bool for_collector) {
  size_t count = environment_count(this->environment), kept = 0;
  char **environment = arena_take(&this->arena, (count + 2) * sizeof *environment);
  if (!environment) return NULL;
  for (size_t i = 0; i < count; i++) {
    char *entry = for_collector ? collector_entry(this, i) : user_entry(this, i);
    if (entry) environment[kept++] = entry;
  }
  if (for_collector) environment[kept++] = (char *)backtraces_off;
  environment[kept] = NULL;
  return this->arena.exhausted ? NULL : environment;
}

static const char *candidate(struct collector *this, unsigned index) {
  const char *chosen = environment_get(this->configuration, "INQUEST_COLLECTOR=");
  if (chosen && *chosen) return index == 0 ? chosen : NULL;
  return locate_collector(this->self, index, &this->arena);
}

void collector_execute(struct collector *this, char *const *arguments, char *const *environment) {
  const char *failed = LIBRARY_NAME "'s own folder", *path;
  long error = -NO_SUCH_FILE;
  char room[DECIMAL_ROOM];
  // A process that has no descriptors left would leave none to the collector either.
  kernel_close_from(STANDARD_ERROR + 1, CLOSE_WHEN_EXECUTING);
  for (unsigned i = 0; (path = candidate(this, i)); i++) {
    log_debug(this->configuration, "crash of ", arguments[COLLECTOR_PID], ", starting ", path);
    long result = kernel_execve(path, arguments, environment);
    if (i == 0 || error == -NO_SUCH_FILE) failed = path, error = result;
  }
  log_error("cannot execute the collector ", failed, ": error ",
            text_decimal(room, (unsigned long)-error));
}

// More than the functions above take from the arena, whatever they rewrite.
static size_t memory_needed(char *const *environment) {
  static const char *const rewritten[] = {"LD_PRELOAD=", "SWIFT_BACKTRACE=", "DOTNET_Dbg",
                                          "COMPlus_Dbg"};
  size_t count = environment_count(environment);
  size_t bytes = LOCATE_ROOM + 2 * (count + 2) * sizeof(char *);
  for (size_t i = 0; i < count; i++)
    for (size_t r = 0; r < sizeof rewritten / sizeof *rewritten; r++)
      if (text_after(environment[i], rewritten[r])) bytes += 2 * (text_length(environment[i]) + 32);
  return bytes;
}

// Who dies of a limit is looked at nevertheless.
static void raise_limits(void) {
  // RLIMIT_CPU, RLIMIT_FSIZE, RLIMIT_DATA, RLIMIT_NOFILE, RLIMIT_AS
  static const unsigned char limits[] = {0, 1, 2, 7, 9};
  struct {
    uint64_t now, at_most;
  } limit;
  for (size_t i = 0; i < sizeof limits; i++) {
    if (raw_syscall(NUMBER_PRLIMIT, 0, limits[i], 0, (long)&limit, 0, 0)) continue;
    limit.now = limit.at_most;
    raw_syscall(NUMBER_PRLIMIT, 0, limits[i], (long)&limit, 0, 0, 0);
  }
}

static struct arena memory_for(struct collector *this, size_t size, struct arena spare) {
  // Enough for any crash that a runtime reports, should the kernel have no memory left for us.
  static char last_resort[LOCATE_ROOM + 2000 * sizeof(char *)];
  if (size <= (size_t)(spare.end - spare.next)) return spare;
  this->size = size;
  this->mapped = kernel_map(size);
  if (this->mapped) return (struct arena){this->mapped, (char *)this->mapped + size, false};
  return (struct arena){last_resort, last_resort + sizeof last_resort, false};
}

void collector_prepare(struct collector *this, char *const *environment, char *const *configuration,
                       size_t more_memory, struct arena spare) {
  raise_limits();
  this->environment = environment;
  this->configuration = configuration;
  this->mapped = NULL;
  this->arena = memory_for(this, memory_needed(environment) + more_memory, spare);
  settings_recover(environment, &this->settings);
  this->self = locate_self(environment, &this->arena);
}
