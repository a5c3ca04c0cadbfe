// SPDX-License-Identifier: Apache-2.0
#include "request.h"

enum kind { PLAIN, NAME, CRASH_FACT, WITH_VALUE, UNKNOWN_OPTION, NO_OPTION };

static const struct option {
  const char *spelling;
  enum kind kind;
} options[] = {
    {"--name", NAME},
    {"-f", NAME},
    {"--signal", CRASH_FACT},
    {"--crashthread", CRASH_FACT},
    {"--exception-record", CRASH_FACT},
    {"--code", WITH_VALUE},
    {"--errno", WITH_VALUE},
    {"--address", WITH_VALUE},
    {"--logtofile", WITH_VALUE},
    {"-l", WITH_VALUE},
    {"--normal", PLAIN},
    {"-n", PLAIN},
    {"--withheap", PLAIN},
    {"-h", PLAIN},
    {"--triage", PLAIN},
    {"-t", PLAIN},
    {"--full", PLAIN},
    {"-u", PLAIN},
    {"--diag", PLAIN},
    {"-d", PLAIN},
    {"--verbose", PLAIN},
    {"-v", PLAIN},
    {"--crashreport", PLAIN},
    {"--crashreportonly", PLAIN},
    {"--singlefile", PLAIN},
    {"--nativeaot", PLAIN},
};

static enum kind kind_of(const char *argument) {
  if (*argument != '-') return NO_OPTION;
  for (size_t i = 0; i < sizeof options / sizeof *options; i++)
    if (text_equal(argument, options[i].spelling)) return options[i].kind;
  return UNKNOWN_OPTION;
}

static bool is_number(const char *text, long number) {
  char room[DECIMAL_ROOM];
  return text_equal(text, text_decimal(room, (unsigned long)number));
}

void request_read(char *const *argv, long parent, struct request *out) {
  enum kind before = PLAIN;
  *out = (struct request){.as = {.mark = UNMARKED}};
  for (size_t i = 0; argv && argv[i]; i++) {
    out->argc = i + 1;
    if (i == 0) continue;
    enum kind kind = kind_of(argv[i]);
    // After an option of a version to come a number may be that option's value: no proof of a pid.
    if (kind == NO_OPTION && before != UNKNOWN_OPTION && !is_number(argv[i], parent))
      out->other_process = true;
    before = kind;
    if (kind != NAME && kind != CRASH_FACT && kind != WITH_VALUE) continue;
    if (!argv[i + 1]) continue;
    out->argc = ++i + 1;
    if (kind == NAME) out->name = i;
    if (kind == CRASH_FACT) out->crash_facts = true;
  }
  if (out->name) marker_read(argv[out->name], &out->as);
}

const char *request_refusal(const struct request *request) {
  // A request (dotnet-dump collect) never carries crash facts, nor the name that we planted. 3.1
  // and 5 give no facts with a crash either: there the name decides.
  if (!request->crash_facts && request->as.mark == UNMARKED) return "not a crash";
  if (request->other_process) return "not about our parent";
  return NULL;
}
