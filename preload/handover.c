// SPDX-License-Identifier: Apache-2.0
#include "handover.h"

#include "environment.h"
#include "kernel.h"
#include "locate.h"
#include "log.h"

// Enough for any crash that a runtime reports, should the kernel have no memory left for us.
static char last_resort[LOCATE_ROOM + 2000 * sizeof(char *)];

static const char backtraces_off[] = "SWIFT_BACKTRACE=enable=no";
static const char backtraces_saved[] = "INQUEST_SAVED_SWIFT_BACKTRACE=";

enum { ARGUMENTS_BEFORE = 9 };  // inquest-collector crash … --

struct handover {
  const struct call *call;
  const struct request *request;
  struct settings settings;
  struct arena arena;
  const char *self;
  bool wanted;       // the user had enabled dumps, for this generation of runtimes
  char **arguments;  // the collector's; from ARGUMENTS_BEFORE on the original ones
};

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
static char *user_entry(struct handover *this, size_t index) {
  for (int v = 0; v < VARIABLES; v++) {
    const struct setting *setting = &this->settings.of[v];
    if (setting->slot != index || !setting->ours) continue;
    if (!setting->user.set) return NULL;
    return setting_as_the_user_had_it(&this->settings, (enum variable)v, &this->arena);
  }
  return this->call->envp[index];
}

// Swift's runtime would start a backtracer of its own inside our collector if SWIFT_BACKTRACE said
// so; the user's value travels along under another name.
static char *collector_entry(struct handover *this, size_t index) {
  char *entry = this->call->envp[index];
  const char *value = text_after(entry, "SWIFT_BACKTRACE=");
  if (value) return saved_backtraces(value, &this->arena);
  if (text_after(entry, backtraces_saved)) return NULL;  // an ancestor's
  value = text_after(entry, "LD_PRELOAD=");
  if (value) return preload_without_us(value, this->self, &this->arena);
  return user_entry(this, index);
}

static char **environment_for(struct handover *this, bool collector) {
  size_t count = environment_count(this->call->envp), kept = 0;
  char **environment = arena_take(&this->arena, (count + 2) * sizeof *environment);
  if (!environment) return NULL;
  for (size_t i = 0; i < count; i++) {
    char *entry = collector ? collector_entry(this, i) : user_entry(this, i);
    if (entry) environment[kept++] = entry;
  }
  if (collector) environment[kept++] = (char *)backtraces_off;
  environment[kept] = NULL;
  return this->arena.exhausted ? NULL : environment;
}

// The name as the user had it. Where dumps were not wanted for 6 and later and DOTNET_ names none,
// such a runtime would have found the one in COMPlus_.
static const struct value *original_name(const struct handover *this) {
  const struct marked_name *as = &this->request->as;
  if (as->mark == DUMPS_NOT_WANTED && this->request->crash_facts && !as->name.set)
    return &this->settings.of[COMPLUS_NAME].user;
  return &as->name;
}

static void put_original_arguments(struct handover *this, char **to) {
  const struct request *request = this->request;
  for (size_t i = 0; i < request->argc; i++) *to++ = this->call->argv[i];
  *to = NULL;
  if (request->as.mark == UNMARKED) return;
  const struct value *name = original_name(this);
  char **at = to - request->argc + request->name;
  if (name->set) {
    char *start = this->arena.next;
    value_put(&this->arena, name);
    *at = arena_finish(&this->arena, start);
  } else {
    at--;  // --name itself
    while ((at[0] = at[2])) at++;
  }
}

static bool put_arguments(struct handover *this, long parent) {
  size_t count = ARGUMENTS_BEFORE + this->request->argc + 1;
  char **to = this->arguments = arena_take(&this->arena, count * sizeof *to);
  char *room = arena_take(&this->arena, DECIMAL_ROOM);
  if (!to || !room) return false;
  to[0] = (char *)"inquest-collector";
  to[1] = (char *)"crash";
  to[2] = (char *)"--pid";
  to[3] = text_decimal(room, (unsigned long)parent);
  to[4] = (char *)"--dumps";
  to[5] = (char *)(this->wanted ? "user" : "none");
  to[6] = (char *)"--createdump";
  to[7] = (char *)this->call->path;
  to[8] = (char *)"--";
  put_original_arguments(this, to + ARGUMENTS_BEFORE);
  return !this->arena.exhausted;
}

static bool user_wanted_dumps(const struct handover *this) {
  switch (this->request->as.mark) {
    case DUMPS_NOT_WANTED: return false;
    case DUMPS_NAMED:
    case DUMPS_UNNAMED: return true;
    case UNMARKED: break;  // unnamed by us, or named by somebody after our constructor
  }
  return this->request->crash_facts ? dumps_enabled_for_dotnet(&this->settings)
                                    : dumps_enabled_for_complus(&this->settings);
}

static const char *candidate(struct handover *this, unsigned index) {
  const char *chosen = environment_get(this->call->configuration, "INQUEST_COLLECTOR=");
  if (chosen && *chosen) return index == 0 ? chosen : NULL;
  return locate_collector(this->self, index, &this->arena);
}

// Returns when no candidate could be executed.
static void execute_collector(struct handover *this, char *const *environment) {
  const char *failed = LIBRARY_NAME "'s own folder", *path;
  long error = -NO_SUCH_FILE;
  char room[DECIMAL_ROOM];
  for (unsigned i = 0; (path = candidate(this, i)); i++) {
    log_debug(this->call->configuration, "crash of ", this->arguments[3], ", starting ", path);
    long result = kernel_execve(path, this->arguments, environment);
    if (i == 0 || error == -NO_SUCH_FILE) failed = path, error = result;
  }
  log_error("cannot execute the collector ", failed, ": error ",
            text_decimal(room, (unsigned long)-error));
}

static long run(struct handover *this, long parent) {
  const struct call *call = this->call;
  settings_recover(call->envp, &this->settings);
  this->wanted = user_wanted_dumps(this);
  this->self = locate_self(call->envp, &this->arena);
  char **environment = environment_for(this, true);
  if (environment && put_arguments(this, parent)) {
    execute_collector(this, environment);
    if (!this->wanted) kernel_exit(0);  // nobody asked for a dump; the runtime ignores the status
    environment = environment_for(this, false);
    if (environment)
      return kernel_execve(call->path, this->arguments + ARGUMENTS_BEFORE, environment);
  }
  log_error("no memory to start the collector", "", "", "");
  return kernel_execve(call->path, call->argv, call->envp);
}

// More than `run` takes from the arena, whatever it rewrites.
static size_t memory_needed(const struct call *call, const struct request *request) {
  static const char *const rewritten[] = {"LD_PRELOAD=", "SWIFT_BACKTRACE=", "DOTNET_Dbg",
                                          "COMPlus_Dbg"};
  size_t count = environment_count(call->envp);
  size_t pointers = ARGUMENTS_BEFORE + request->argc + 2 * (count + 2) + DECIMAL_ROOM;
  size_t bytes = LOCATE_ROOM + (request->name ? text_length(call->argv[request->name]) : 0);
  for (size_t i = 0; i < count; i++)
    for (size_t r = 0; r < sizeof rewritten / sizeof *rewritten; r++)
      if (text_after(call->envp[i], rewritten[r])) bytes += 2 * (text_length(call->envp[i]) + 32);
  const char *complus_name = environment_get(call->envp, "COMPlus_DbgMiniDumpName=");
  if (complus_name) bytes += text_length(complus_name);
  return pointers * sizeof(char *) + bytes;
}

long hand_over(const struct call *call, const struct request *request, long parent) {
  struct handover this = {.call = call, .request = request};
  size_t size = memory_needed(call, request);
  char *mapped = kernel_map(size);
  this.arena = mapped ? (struct arena){mapped, mapped + size, false}
                      : (struct arena){last_resort, last_resort + sizeof last_resort, false};
  long result = run(&this, parent);
  // Whoever called vfork shares this memory with us.
  if (mapped) kernel_unmap(mapped, size);
  return result;
}
