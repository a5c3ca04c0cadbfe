// SPDX-License-Identifier: Apache-2.0
#include "environment.h"

#include "kernel.h"

static const char *const names[VARIABLES] = {
    [DOTNET_ENABLE] = "DOTNET_DbgEnableMiniDump=",
    [COMPLUS_ENABLE] = "COMPlus_DbgEnableMiniDump=",
    [DOTNET_NAME] = "DOTNET_DbgMiniDumpName=",
    [COMPLUS_NAME] = "COMPlus_DbgMiniDumpName=",
};

// The strings that the constructor adds live as long as the process. Only touched pages cost.
static char added_strings[2 * (LONGEST_NAME + LONGEST_KEPT_ENABLE + 128)];

const char *environment_get(char *const *environment, const char *name) {
  const char *value = NULL;
  if (!environment) return NULL;
  for (; *environment && !value; environment++) value = text_after(*environment, name);
  return value;
}

size_t environment_count(char *const *environment) {
  size_t count = 0;
  while (environment && environment[count]) count++;
  return count;
}

static void recover_one_prefix(struct settings *all, enum variable enable, enum variable name) {
  struct setting *enabling = &all->of[enable], *naming = &all->of[name];
  struct marked_name marked;
  if (!naming->user.set) return;
  marker_read(naming->user.tail, &marked);
  if (marked.mark == UNMARKED) return;
  naming->user = marked.name;
  naming->ours = true;
  // Anything but our 1 was put there by somebody between that constructor and this one.
  bool enabled_by_us = enabling->user.set && text_equal(enabling->user.tail, "1");
  if (marked.mark == DUMPS_NOT_WANTED && enabled_by_us) {
    enabling->user = marked.enable;
    enabling->ours = true;
  }
}

void settings_recover(char *const *environment, struct settings *out) {
  for (int v = 0; v < VARIABLES; v++)
    out->of[v] = (struct setting){.slot = NO_SLOT, .user = value_of(NULL), .ours = false};
  for (size_t i = 0; environment && environment[i]; i++)
    for (int v = 0; v < VARIABLES; v++) {
      const char *value = text_after(environment[i], names[v]);
      if (!value || out->of[v].slot != NO_SLOT) continue;
      out->of[v].slot = i;
      out->of[v].user = value_of(value);
    }
  recover_one_prefix(out, DOTNET_ENABLE, DOTNET_NAME);
  recover_one_prefix(out, COMPLUS_ENABLE, COMPLUS_NAME);
}

static char value_at(const struct value *value, size_t i) {
  return i < value->head_length ? value->head[i] : value->tail[i - value->head_length];
}

static bool is_space(char c) { return c == ' ' || (c >= '\t' && c <= '\r'); }

// As 6 and later do it: strtoul in base ten, cut to 32 bits. "01", " 1", "1x" and "-1" enable.
static bool is_nonzero_decimal(const struct value *value) {
  unsigned long number = 0;
  size_t i = 0;
  while (is_space(value_at(value, i))) i++;
  if (value_at(value, i) == '+' || value_at(value, i) == '-') i++;
  for (; value_at(value, i) >= '0' && value_at(value, i) <= '9'; i++)
    if (__builtin_mul_overflow(number, 10UL, &number) ||
        __builtin_add_overflow(number, (unsigned long)(value_at(value, i) - '0'), &number))
      return false;
  return (uint32_t)number != 0;
}

bool dumps_enabled_for_dotnet(const struct settings *settings) {
  const struct value *dotnet = &settings->of[DOTNET_ENABLE].user;
  return is_nonzero_decimal(dotnet->set ? dotnet : &settings->of[COMPLUS_ENABLE].user);
}

// 3.1 compares with the text "1": there, 01 does not enable.
bool dumps_enabled_for_complus(const struct settings *settings) {
  const struct value *value = &settings->of[COMPLUS_ENABLE].user;
  return value->set && value_length(value) == 1 && value_at(value, 0) == '1';
}

char *setting_as_the_user_had_it(const struct settings *settings, enum variable variable,
                                 struct arena *arena) {
  char *start = arena->next;
  arena_put_text(arena, names[variable]);
  value_put(arena, &settings->of[variable].user);
  return arena_finish(arena, start);
}

// The entry for a name of dumps that the user wanted, or did not; NULL: leave what is there.
static char *marked_entry(const struct settings *user, enum variable enable, enum variable name,
                          const struct value *wanted, const char *directory, struct arena *arena) {
  char *start = arena->next;
  arena_put_text(arena, names[name]);
  bool fits = wanted ? marker_put_wanted(arena, wanted, directory)
                     : marker_put_unwanted(arena, &user->of[enable].user, &user->of[name].user);
  if (fits) return arena_finish(arena, start);
  arena->next = start;
  return NULL;
}

// Decides what the four entries become; those left NULL stay as they are.
static void plan(const struct settings *user, const char *directory, struct arena *arena,
                 char *entries[VARIABLES]) {
  static char enable_dotnet[] = "DOTNET_DbgEnableMiniDump=1";
  static char enable_complus[] = "COMPlus_DbgEnableMiniDump=1";
  bool dotnet = dumps_enabled_for_dotnet(user), complus = dumps_enabled_for_complus(user);
  const struct value *dotnet_name = &user->of[DOTNET_NAME].user;
  const struct value *complus_name = &user->of[COMPLUS_NAME].user;

  entries[COMPLUS_NAME] = marked_entry(user, COMPLUS_ENABLE, COMPLUS_NAME,
                                       complus ? complus_name : NULL, directory, arena);
  if (!complus && entries[COMPLUS_NAME]) entries[COMPLUS_ENABLE] = enable_complus;

  // Where both generations are served by COMPlus_ variables there is nothing to add.
  if (dotnet && complus && !dotnet_name->set) return;
  // Wanted, named by COMPlus_ alone, but not for 3.1: 6 and later must still find that name. Such a
  // user's name comes back as DOTNET_, which means the same to them.
  const struct value *name = dotnet_name->set ? dotnet_name : complus_name;
  entries[DOTNET_NAME] =
      marked_entry(user, DOTNET_ENABLE, DOTNET_NAME, dotnet ? name : NULL, directory, arena);
  if (!dotnet && entries[DOTNET_NAME]) entries[DOTNET_ENABLE] = enable_dotnet;
}

// What the kernel laid out around the environment (System V ABI, AMD64, 3.4.1): the number of
// arguments, the arguments and a NULL before it, pairs of words up to AT_NULL after it.
struct surroundings {
  size_t before, after;  // in words; 0 where the environment is no longer the kernel's
};

// Some programs find their arguments by walking back from environ (Swift's runtime, linked
// statically, does), others their auxiliary vector by walking forward: a copy without both would
// leave them with none.
static struct surroundings surroundings_of(char *const *environment, size_t count) {
  char *const here = NULL;
  const uintptr_t *lowest = (const uintptr_t *)(const void *)&here;
  const uintptr_t *first = (const uintptr_t *)(const void *)environment;
  struct surroundings none = {0, 0};
  // A constructor runs on the main thread's stack, and what the kernel put there lies above it: all
  // words in between can be read. An environment that somebody has moved to the heap lies below.
  if (first <= lowest || first[-1] != 0) return none;
  size_t arguments = 0;
  const uintptr_t *word = first - 2;
  while (word > lowest && *word != arguments) word--, arguments++;
  if (word <= lowest) return none;
  const uintptr_t *pair = first + count + 1;
  while (pair[0] != 0) pair += 2;
  return (struct surroundings){(size_t)(first - word), (size_t)(pair + 2 - (first + count + 1))};
}

// A copy of the environment with room for `added` entries; NULL when there is no memory.
static char **environment_copy(char **environment, size_t count, size_t added) {
  struct surroundings around = surroundings_of(environment, count);
  size_t words = around.before + count + added + 1 + around.after;
  char **copy = kernel_map(words * sizeof *copy);
  if (!copy) return NULL;
  for (size_t i = 0; i < around.before + count; i++) copy[i] = environment[i - around.before];
  for (size_t i = 0; i < around.after; i++)
    copy[around.before + count + added + 1 + i] = environment[count + 1 + i];
  return copy + around.before;
}

void environment_enable_dumps(char ***environment) {
  struct settings user;
  struct arena strings = {added_strings, added_strings + sizeof added_strings, false};
  char *entries[VARIABLES] = {NULL, NULL, NULL, NULL};
  const char *directory = environment_get(*environment, "TMPDIR=");

  settings_recover(*environment, &user);
  plan(&user, directory && *directory ? directory : "/tmp", &strings, entries);

  size_t count = environment_count(*environment), added = 0;
  for (int v = 0; v < VARIABLES; v++) added += entries[v] && user.of[v].slot == NO_SLOT;
  if (added) {
    char **larger = environment_copy(*environment, count, added);
    if (!larger) return;
    *environment = larger;
  }
  for (int v = 0; v < VARIABLES; v++)
    if (entries[v])
      (*environment)[user.of[v].slot == NO_SLOT ? count++ : user.of[v].slot] = entries[v];
}

void environment_put_back(char **environment) {
  struct settings user;
  struct arena strings = {added_strings, added_strings + sizeof added_strings, false};
  settings_recover(environment, &user);
  size_t kept = 0;
  for (size_t i = 0; environment[i]; i++) {
    char *entry = environment[i];
    for (int v = 0; v < VARIABLES; v++)
      if (user.of[v].ours && user.of[v].slot == i)
        entry = user.of[v].user.set
                    ? setting_as_the_user_had_it(&user, (enum variable)v, &strings)
                    : NULL;
    if (entry) environment[kept++] = entry;
  }
  environment[kept] = NULL;
}
