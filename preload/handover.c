// SPDX-License-Identifier: Apache-2.0
#include "handover.h"

#include "collector.h"
#include "kernel.h"
#include "log.h"
#include "started.h"

enum { ARGUMENTS_BEFORE = 9 };  // inquest-collector crash … --

struct handover {
  const struct call *call;
  const struct request *request;
  struct collector collector;
  bool wanted;       // the user had enabled dumps, for this generation of runtimes
  char **arguments;  // the collector's; from ARGUMENTS_BEFORE on the original ones
};

// The name as the user had it. Where dumps were not wanted for 6 and later and DOTNET_ names none,
// such a runtime would have found the one in COMPlus_.
static const struct value *original_name(const struct handover *this) {
  const struct marked_name *as = &this->request->as;
  if (as->mark == DUMPS_NOT_WANTED && this->request->crash_facts && !as->name.set)
    return &this->collector.settings.of[COMPLUS_NAME].user;
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
    char *start = this->collector.arena.next;
    value_put(&this->collector.arena, name);
    *at = arena_finish(&this->collector.arena, start);
  } else {
    at--;  // --name itself
    while ((at[0] = at[2])) at++;
  }
}

static bool put_arguments(struct handover *this, long parent) {
  size_t count = ARGUMENTS_BEFORE + this->request->argc + 1;
  char **to = this->arguments = arena_take(&this->collector.arena, count * sizeof *to);
  char *room = arena_take(&this->collector.arena, DECIMAL_ROOM);
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
  return !this->collector.arena.exhausted;
}

static bool user_wanted_dumps(const struct handover *this) {
  switch (this->request->as.mark) {
    case DUMPS_NOT_WANTED: return false;
    case DUMPS_NAMED:
    case DUMPS_UNNAMED: return true;
    case UNMARKED: break;  // unnamed by us, or named by somebody after our constructor
  }
  return this->request->crash_facts ? dumps_enabled_for_dotnet(&this->collector.settings)
                                    : dumps_enabled_for_complus(&this->collector.settings);
}

static long run(struct handover *this, long parent) {
  const struct call *call = this->call;
  this->wanted = user_wanted_dumps(this);
  char **environment = collector_environment(&this->collector, true);
  if (environment && put_arguments(this, parent)) {
    started_note(parent);
    collector_execute(&this->collector, this->arguments, environment);
    if (!this->wanted) kernel_exit(0);  // nobody asked for a dump; the runtime ignores the status
    environment = collector_environment(&this->collector, false);
    if (environment)
      return kernel_execve(call->path, this->arguments + ARGUMENTS_BEFORE, environment);
  }
  log_error("no memory to start the collector", "", "", "");
  return kernel_execve(call->path, call->argv, call->envp);
}

// More than `run` takes from the arena beyond what the collector's environment does.
static size_t memory_needed(const struct call *call, const struct request *request) {
  size_t pointers = ARGUMENTS_BEFORE + request->argc + 1 + DECIMAL_ROOM;
  size_t bytes = request->name ? text_length(call->argv[request->name]) + 1 : 0;
  const char *complus_name = environment_get(call->envp, "COMPlus_DbgMiniDumpName=");
  if (complus_name) bytes += text_length(complus_name) + 1;
  return pointers * sizeof(char *) + bytes;
}

long hand_over(const struct call *call, const struct request *request, long parent) {
  struct handover this;
  this.call = call;
  this.request = request;
  struct collector *collector = &this.collector;
  const struct arena none = {NULL, NULL, false};
  collector_prepare(collector, call->envp, call->configuration, memory_needed(call, request), none);
  long result = run(&this, parent);
  // Whoever called vfork shares this memory with us.
  if (collector->mapped) kernel_unmap(collector->mapped, collector->size);
  return result;
}
