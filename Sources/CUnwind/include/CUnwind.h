// libunwind's remote cursor, as functions that Swift can call. The library's own names are macros
// that paste the architecture in (_Ux86_64_step, _Uaarch64_step).
#pragma once
#include <libunwind.h>
#include <string.h>

// Exported by every libunwind since 0.99, declared in none of its headers; Linux perf declares it the
// same way. Looks an address up in a binary search table that lies in the target's memory.
extern int UNW_OBJ(dwarf_search_unwind_table)(unw_addr_space_t space, unw_word_t ip,
                                              unw_dyn_info_t *table, unw_proc_info_t *result,
                                              int need_unwind_info, void *argument);

typedef struct {
  int (*find_unwind_info)(unw_word_t ip, unw_proc_info_t *result, int need_unwind_info,
                          unw_addr_space_t space, void *argument);
  int (*read_word)(unw_word_t address, unw_word_t *value, void *argument);
  int (*read_register)(unw_regnum_t number, unw_word_t *value, void *argument);
} inquest_unwind_callbacks;

// An address space whose cursor reads only through `callbacks`; NULL when out of memory.
unw_addr_space_t inquest_unwind_create(const inquest_unwind_callbacks *callbacks);

static inline void inquest_unwind_destroy(unw_addr_space_t space) { unw_destroy_addr_space(space); }

int inquest_unwind_init(unw_cursor_t *cursor, unw_addr_space_t space, void *argument);
int inquest_unwind_step(unw_cursor_t *cursor);

static inline int inquest_unwind_register(unw_cursor_t *cursor, int number, unw_word_t *value) {
  return unw_get_reg(cursor, number, value);
}

// Searches a table as an .eh_frame_hdr has it: `entries` pairs of 32-bit offsets, of code and of its
// description, which begin at `table`. They are relative to `base`, the code's to `start` if
// `from_start` says so. `start` <= ip < `end` must hold: the library asserts it.
static inline int inquest_unwind_search(unw_addr_space_t space, unw_word_t ip, unw_word_t start,
                                        unw_word_t end, unw_word_t base, int from_start,
                                        unw_word_t table, unw_word_t entries,
                                        unw_proc_info_t *result, int need_unwind_info,
                                        void *argument) {
  unw_dyn_info_t info;
  memset(&info, 0, sizeof info);
  info.format = from_start ? UNW_INFO_FORMAT_IP_OFFSET : UNW_INFO_FORMAT_REMOTE_TABLE;
  info.start_ip = start;
  info.end_ip = end;
  info.u.rti.segbase = base;
  info.u.rti.table_data = table;
  info.u.rti.table_len = entries * 8 / sizeof(unw_word_t);
  return UNW_OBJ(dwarf_search_unwind_table)(space, ip, &info, result, need_unwind_info, argument);
}

static const int INQUEST_UNW_NO_INFO = UNW_ENOINFO;
static const int INQUEST_UNW_INVALID = UNW_EINVAL;
static const int INQUEST_UNW_BAD_REGISTER = UNW_EBADREG;
static const int INQUEST_UNW_IP = UNW_REG_IP;
static const int INQUEST_UNW_SP = UNW_REG_SP;
