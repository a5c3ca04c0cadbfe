// SPDX-License-Identifier: Apache-2.0
#include "next.h"

#include <stdatomic.h>

#include "text.h"

// <link.h> and <elf.h> (System V gABI, chapters 4 and 5); the hash table of GNU is described in
// binutils' bfd/elflink.c and glibc's elf/dl-lookup.c.
struct program_header {
  uint32_t type, flags;
  uint64_t offset, address, physical, file_size, memory_size, alignment;
};
struct loaded_object {  // struct dl_phdr_info
  uintptr_t base;
  const char *name;
  const struct program_header *headers;
  uint16_t header_count;
};
struct dynamic_entry {
  int64_t tag;
  uintptr_t value;
};
struct symbol {
  uint32_t name;
  unsigned char info, other;
  uint16_t section;
  uint64_t value, size;
};
enum { LOADED = 1, DYNAMIC = 2, NOTE = 4 };                          // PT_…
enum { HASH = 4, STRING_TABLE = 5, SYMBOL_TABLE = 6 };               // DT_…
enum { GNU_HASH = 0x6ffffef5, SYMBOL_VERSIONS = 0x6ffffff0 };        // DT_…
enum { TYPE_NONE = 0, TYPE_FUNCTION = 2, HIDDEN_VERSION = 0x8000 };  // STT_…, VERSYM_HIDDEN

extern int dl_iterate_phdr(int (*)(const struct loaded_object *, size_t, void *), void *)
    __attribute__((weak));

struct tables {  // of one object
  uintptr_t base;
  const struct symbol *symbols;
  const char *strings;
  const uint16_t *versions;
  const uint32_t *hash, *gnu_hash;
};

// In the order of struct next_functions.
static const char *const names[] = {
    "sigaction",
    "signal",
    "bsd_signal",
    "ssignal",
    "sysv_signal",
    "__sysv_signal",
    "sigset",
    "sigaltstack",
    "pthread_create",
    "thrd_create",
    "pthread_key_create",
    "pthread_setspecific",
    "pthread_getspecific",
    "getauxval",
    "abort",
    "prctl",
    "mlockall",
};
enum { FUNCTIONS = sizeof names / sizeof *names };

static union {
  struct next_functions functions;
  _Atomic uintptr_t addresses[FUNCTIONS];
} next;
_Static_assert(sizeof next.functions == sizeof next.addresses, "a name for each function");
static _Atomic bool searched;

static uint32_t gnu_hash_of(const char *name) {
  uint32_t hash = 5381;
  while (*name) hash = hash * 33 + (unsigned char)*name++;
  return hash;
}

static uint32_t hash_of(const char *name) {
  uint32_t hash = 0;
  while (*name) {
    hash = (hash << 4) + (unsigned char)*name++;
    hash = (hash ^ (hash >> 28 << 4)) & 0x0fffffff;
  }
  return hash;
}

// The address of symbol number `index`, if it is the default version of a function of this name.
static uintptr_t function_at(const struct tables *tables, uint32_t index, const char *name) {
  const struct symbol *symbol = &tables->symbols[index];
  int type = symbol->info & 0xf;
  if (!symbol->section || (type != TYPE_FUNCTION && type != TYPE_NONE)) return 0;
  if (tables->versions && tables->versions[index] & HIDDEN_VERSION) return 0;
  return text_equal(tables->strings + symbol->name, name) ? tables->base + symbol->value : 0;
}

static uintptr_t look_up_gnu(const struct tables *tables, const char *name) {
  uint32_t bucket_count = tables->gnu_hash[0], first = tables->gnu_hash[1];
  const uint32_t *buckets = tables->gnu_hash + 4 + tables->gnu_hash[2] * 2;  // words of 64 bits
  const uint32_t *chains = buckets + bucket_count;
  uint32_t hash = gnu_hash_of(name), index = bucket_count ? buckets[hash % bucket_count] : 0;
  uintptr_t found = 0;
  if (index < first) return 0;
  for (bool last = false; !found && !last; index++) {
    uint32_t other = chains[index - first];
    if ((other | 1) == (hash | 1)) found = function_at(tables, index, name);
    last = other & 1;
  }
  return found;
}

static uintptr_t look_up(const struct tables *tables, const char *name) {
  if (!tables->symbols || !tables->strings) return 0;
  if (tables->gnu_hash) return look_up_gnu(tables, name);
  if (!tables->hash || !tables->hash[0]) return 0;
  const uint32_t *chains = tables->hash + 2 + tables->hash[0];
  uint32_t index = tables->hash[2 + hash_of(name) % tables->hash[0]];
  uintptr_t found = 0;
  for (; index && !found; index = chains[index]) found = function_at(tables, index, name);
  return found;
}

static bool holds(const struct loaded_object *object, uintptr_t address) {
  for (unsigned i = 0; i < object->header_count; i++) {
    const struct program_header *header = &object->headers[i];
    if (header->type == LOADED && address - object->base - header->address < header->memory_size)
      return true;
  }
  return false;
}

// glibc has added the base to these addresses, musl (and the vDSO) has not. By where the object
// lies: a base may be negative.
static const void *table_at(const struct loaded_object *object, uintptr_t value) {
  if (holds(object, value)) return (const void *)value;
  return holds(object, object->base + value) ? (const void *)(object->base + value) : NULL;
}

static struct tables tables_of(const struct loaded_object *object) {
  struct tables tables = {.base = object->base};
  const struct dynamic_entry *entry = NULL;
  for (unsigned i = 0; i < object->header_count; i++)
    if (object->headers[i].type == DYNAMIC)
      entry = (const void *)(object->base + object->headers[i].address);
  for (; entry && entry->tag; entry++) {
    const void *table = table_at(object, entry->value);
    switch (entry->tag) {
      case HASH: tables.hash = table; break;
      case GNU_HASH: tables.gnu_hash = table; break;
      case STRING_TABLE: tables.strings = table; break;
      case SYMBOL_TABLE: tables.symbols = table; break;
      case SYMBOL_VERSIONS: tables.versions = table; break;
    }
  }
  return tables;
}

static int search_object(const struct loaded_object *object, size_t size, void *argument) {
  bool *behind_us = argument;
  (void)size;
  if (!*behind_us) {
    *behind_us = holds(object, (uintptr_t)&search_object);
    return 0;
  }
  struct tables tables = tables_of(object);
  for (size_t i = 0; i < FUNCTIONS; i++)
    if (!next.addresses[i]) next.addresses[i] = look_up(&tables, names[i]);
  return 0;
}

static const struct next_functions *search(void) {
  bool behind_us = false;
  if (dl_iterate_phdr) dl_iterate_phdr(search_object, &behind_us);
  searched = true;
  return &next.functions;
}

const struct next_functions *next_functions(void) { return searched ? &next.functions : search(); }

const struct next_functions *next_functions_with_threads(void) {
  return searched && next.functions.pthread_create ? &next.functions : search();
}

static bool is_loaded(const struct loaded_object *object, const struct program_header *part) {
  for (unsigned i = 0; i < object->header_count; i++) {
    const struct program_header *header = &object->headers[i];
    uint64_t offset = part->address - header->address;
    if (header->type == LOADED && offset <= header->file_size &&
        part->memory_size <= header->file_size - offset)
      return true;
  }
  return false;
}

// The linker of Go leaves a note with its build's id in every program.
static int look_at_main_program(const struct loaded_object *object, size_t size, void *is_go) {
  (void)size;
  for (unsigned i = 0; i < object->header_count; i++) {
    const struct program_header *header = &object->headers[i];
    const char *at = (const char *)(object->base + header->address);
    const char *end = at + header->memory_size;
    // What lies in no segment that was loaded is not there.
    if (header->type != NOTE || !is_loaded(object, header)) continue;
    while (end - at >= 16) {  // three words and a padded name
      const uint32_t *words = (const void *)at;
      if (words[0] == 4 && text_equal(at + 12, "Go")) return *(bool *)is_go = true;
      size_t length = 12 + (((size_t)words[0] + 3) & ~3ul) + (((size_t)words[1] + 3) & ~3ul);
      if (length > (size_t)(end - at)) break;
      at += length;
    }
  }
  return 1;  // the first object is the main program
}

bool main_program_is_go(void) {
  bool is_go = false;
  if (dl_iterate_phdr) dl_iterate_phdr(look_at_main_program, &is_go);
  return is_go;
}
