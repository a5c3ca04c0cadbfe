// The .NET runtime's data access library (libmscordaccore.so, "the DAC") as C calls.
//
// Its interfaces are COM's: an object starts with a pointer to a table of functions, the first argument of
// each is the object, results are HRESULTs (negative: failed), strings are UTF-16 with a length that
// counts the zero at their end. Positions in the tables and layouts of structures are those of
// dotnet/diagnostics, src/shared/pal/prebuilt/inc/{clrdata,xclrdata,sospriv}.h and
// src/shared/inc/dacprivate.h; they are frozen: a debugger of any version must work with any runtime.
//
// Every `out` structure must be zero before the call. Nothing here frees what the DAC returns but where it
// says so: the process that loads a DAC does nothing else, and ends soon.
#pragma once
#include <stddef.h>
#include <stdint.h>

// How the DAC sees the process. Callbacks get `context`.
typedef struct {
  void *context;
  // Where libcoreclr.so lies in the target.
  uint64_t runtime_base;
  // Copies at most `size` bytes and returns how many it could.
  uint32_t (*read)(void *context, uint64_t address, uint8_t *buffer, uint32_t size);
  // Fills in a CONTEXT of `size` bytes for a thread; 0, or -1 where its registers are not known.
  int (*thread_context)(void *context, uint32_t thread, uint8_t *buffer, uint32_t size);
} inquest_dac_target;

typedef enum {
  INQUEST_DAC_OK,
  INQUEST_DAC_NOT_LOADED,   // dlopen failed; `detail` says why
  INQUEST_DAC_NO_ENTRY,     // it is not a DAC: a function is missing
  INQUEST_DAC_REFUSED,      // CLRDataCreateInstance failed; *code is its HRESULT
} inquest_dac_status;

// Loads a DAC from `path` and points it at a process. It stays loaded until this process ends: unloading
// it is not supported. Side effects: SIGPIPE is ignored from then on (Debian 12, 3.1.23 and 8.0.4).
//
// target: must stay where it is. process, sos: IXCLRDataProcess and ISOSDacInterface on success.
// detail: where the loader's message goes, at most `detail_size` bytes with the zero.
inquest_dac_status inquest_dac_load(const char *path, const inquest_dac_target *target, void **process,
                                    void **sos, int32_t *code, char *detail, size_t detail_size);


// GUIDs as they lie in memory.
extern const uint8_t INQUEST_IID_SOS2[16];

static inline int32_t inquest_dac_query(void *object, const uint8_t iid[16], void **out) {
  return ((int32_t(*)(void *, const uint8_t *, void **))(*(void ***)object)[0])(object, iid, out);
}
static inline void inquest_dac_release(void *object) {
  if (object) ((uint32_t(*)(void *))(*(void ***)object)[2])(object);
}

// MARK: IXCLRDataProcess

// Forgets all that was read: the process has run since.
static inline int32_t inquest_dac_flush(void *process) {
  return ((int32_t(*)(void *))(*(void ***)process)[3])(process);
}
static inline int32_t inquest_dac_task(void *process, uint32_t thread, void **task) {
  return ((int32_t(*)(void *, uint32_t, void **))(*(void ***)process)[7])(process, thread, task);
}
// The name of a stub or a helper of the runtime, UTF-16; fails for anything else.
static inline int32_t inquest_dac_runtime_name(void *process, uint64_t address, uint32_t capacity,
                                               uint32_t *needed, uint16_t *name,
                                               uint64_t *displacement) {
  return ((int32_t(*)(void *, uint64_t, uint32_t, uint32_t, uint32_t *, uint16_t *,
                      uint64_t *))(*(void ***)process)[15])(process, address, 0, capacity, needed,
                                                            name, displacement);
}
// The method whose code holds an address: an IXCLRDataMethodInstance, to be released.
static inline int32_t inquest_dac_method_instance(void *process, uint64_t address, void **instance) {
  uint64_t handle = 0;
  void **table = *(void ***)process;
  int32_t result = ((int32_t(*)(void *, uint64_t, void *, uint64_t *))table[27])(process, address, 0,
                                                                                 &handle);
  if (result != 0) return result < 0 ? result : -1;
  result = ((int32_t(*)(void *, uint64_t *, void **))table[28])(process, &handle, instance);
  ((int32_t(*)(void *, uint64_t))table[29])(process, handle);
  return result == 0 ? 0 : -1;
}

// MARK: IXCLRDataTask, IXCLRDataExceptionState, IXCLRDataValue

// The address of the object that a thread is dealing with as an exception right now; fails when it deals
// with none.
static inline int32_t inquest_dac_current_exception(void *task, uint64_t *object) {
  void *state = 0, *value = 0;
  int32_t result = ((int32_t(*)(void *, void **))(*(void ***)task)[15])(task, &state);
  if (result != 0 || !state) return -1;
  result = ((int32_t(*)(void *, void **))(*(void ***)state)[5])(state, &value);
  if (result == 0 && value) {
    result = ((int32_t(*)(void *, uint64_t *))(*(void ***)value)[4])(value, object);
    inquest_dac_release(value);
  } else {
    result = -1;
  }
  inquest_dac_release(state);
  return result;
}

// MARK: IXCLRDataMethodInstance, IXCLRDataModule

static inline int32_t inquest_dac_token_and_scope(void *instance, uint32_t *token, void **module) {
  return ((int32_t(*)(void *, uint32_t *, void **))(*(void ***)instance)[5])(instance, token, module);
}
static inline int32_t inquest_dac_il_offsets(void *instance, uint64_t address, uint32_t capacity,
                                             uint32_t *needed, uint32_t *offsets) {
  return ((int32_t(*)(void *, uint64_t, uint32_t, uint32_t *, uint32_t *))(*(void ***)instance)[12])(
      instance, address, capacity, needed, offsets);
}
typedef struct {
  uint32_t il_offset;
  uint64_t start, end;
  int32_t kind;
} inquest_dac_il_range;
// Which addresses come from which IL: at most `capacity` records; *needed says how many there are.
static inline int32_t inquest_dac_il_map(void *instance, uint32_t capacity, uint32_t *needed,
                                         inquest_dac_il_range *out) {
  return ((int32_t(*)(void *, uint32_t, uint32_t *, inquest_dac_il_range *))(*(void ***)instance)[14])(
      instance, capacity, needed, out);
}
static inline int32_t inquest_dac_module_file(void *module, uint32_t capacity, uint32_t *needed,
                                              uint16_t *name) {
  return ((int32_t(*)(void *, uint32_t, uint32_t *, uint16_t *))(*(void ***)module)[30])(
      module, capacity, needed, name);
}
// Bit 0: made at run time, there is no file.
static inline int32_t inquest_dac_module_flags(void *module, uint32_t *flags) {
  return ((int32_t(*)(void *, uint32_t *))(*(void ***)module)[31])(module, flags);
}
// The MVID, 16 bytes as a GUID lies in memory.
static inline int32_t inquest_dac_module_version(void *module, uint8_t mvid[16]) {
  return ((int32_t(*)(void *, uint8_t *))(*(void ***)module)[40])(module, mvid);
}
typedef struct {
  int32_t is_dynamic, is_in_memory, is_file_layout;
  uint64_t pe, loaded_address, loaded_size, pdb_address, pdb_size;
} inquest_dac_loaded_module;
static inline int32_t inquest_dac_module_loaded(void *module, inquest_dac_loaded_module *out) {
  return ((int32_t(*)(void *, uint32_t, uint32_t, uint8_t *, uint32_t, void *))(
      *(void ***)module)[36])(module, 0xf0000001, 0, 0, sizeof *out, out);
}

// MARK: ISOSDacInterface

typedef struct {
  int32_t threads, unstarted, background, pending, dead;
  uint64_t first, finalizer, collector;
  uint32_t host;
} inquest_dac_thread_store;
static inline int32_t inquest_dac_get_thread_store(void *sos, inquest_dac_thread_store *out) {
  return ((int32_t(*)(void *, void *))(*(void ***)sos)[3])(sos, out);
}

typedef struct {
  uint64_t address, assembly_file, il_base, metadata, metadata_size, assembly;
  int32_t is_reflection, is_file;
  uint64_t base_class, id;
  uint32_t transient_flags;
  uint64_t maps[7], lookup_heap, thunk_heap, index;
} inquest_dac_module;
static inline int32_t inquest_dac_get_module(void *sos, uint64_t address, inquest_dac_module *out) {
  return ((int32_t(*)(void *, uint64_t, void *))(*(void ***)sos)[13])(sos, address, out);
}

typedef struct {
  uint32_t managed_id, os_id;
  int32_t state;
  uint32_t preemptive_disabled;
  uint64_t alloc_pointer, alloc_limit, context, domain, frame;
  uint32_t lock_count;
  uint64_t first_nested, teb, fiber, last_thrown_handle, next;
} inquest_dac_thread;
static inline int32_t inquest_dac_get_thread(void *sos, uint64_t address, inquest_dac_thread *out) {
  return ((int32_t(*)(void *, uint64_t, void *))(*(void ***)sos)[17])(sos, address, out);
}

typedef struct {
  uint64_t id;
  int32_t flags;
  uint64_t code;
} inquest_dac_rejit;
typedef struct {
  int32_t has_native, is_dynamic;
  uint16_t slot;
  uint64_t code, code_slot, method, method_table, module;
  uint32_t token;
  uint64_t gc_info, gc_stress, dynamic_object, requested;
  inquest_dac_rejit current, requested_version;
  uint32_t versions;
} inquest_dac_method;
static inline int32_t inquest_dac_get_method(void *sos, uint64_t method, inquest_dac_method *out) {
  uint32_t needed = 0;
  return ((int32_t(*)(void *, uint64_t, uint64_t, void *, uint32_t, void *, uint32_t *))(
      *(void ***)sos)[20])(sos, method, 0, out, 0, 0, &needed);
}
static inline int32_t inquest_dac_method_name(void *sos, uint64_t method, uint32_t capacity,
                                              uint16_t *name, uint32_t *needed) {
  return ((int32_t(*)(void *, uint64_t, uint32_t, uint16_t *, uint32_t *))(*(void ***)sos)[22])(
      sos, method, capacity, name, needed);
}

// The method that an explicit Frame at `address` stands for; fails for frames that stand for none.
static inline int32_t inquest_dac_method_of_frame(void *sos, uint64_t address, uint64_t *method) {
  return ((int32_t(*)(void *, uint64_t, uint64_t *))(*(void ***)sos)[23])(sos, address, method);
}

typedef struct {
  uint64_t gc_info;
  int32_t kind;  // 1: compiled at run time, 2: compiled ahead of time
  uint64_t method, start;
  uint32_t size;
  uint64_t cold_start;
  uint32_t cold_size, hot_size;
} inquest_dac_code;
static inline int32_t inquest_dac_get_code(void *sos, uint64_t address, inquest_dac_code *out) {
  return ((int32_t(*)(void *, uint64_t, void *))(*(void ***)sos)[26])(sos, address, out);
}

// The name of one of the runtime's helpers for compiled code; bytes, not UTF-16.
static inline int32_t inquest_dac_helper_name(void *sos, uint64_t address, uint32_t capacity, char *name,
                                              uint32_t *needed) {
  return ((int32_t(*)(void *, uint64_t, uint32_t, char *, uint32_t *))(*(void ***)sos)[28])(
      sos, address, capacity, name, needed);
}

typedef struct {
  uint64_t method_table;
  int32_t kind;  // 0 a string, 1 free memory, 2 an object, 3 an array
  uint64_t size, element_type;
  int32_t element_kind;
  uint32_t rank;
  uint64_t count, element_size, data, bounds, lower_bounds, rcw, ccw;
} inquest_dac_object;
static inline int32_t inquest_dac_get_object(void *sos, uint64_t address, inquest_dac_object *out) {
  return ((int32_t(*)(void *, uint64_t, void *))(*(void ***)sos)[33])(sos, address, out);
}
static inline int32_t inquest_dac_class_name(void *sos, uint64_t object, uint32_t capacity,
                                             uint16_t *name, uint32_t *needed) {
  return ((int32_t(*)(void *, uint64_t, uint32_t, uint16_t *, uint32_t *))(*(void ***)sos)[35])(
      sos, object, capacity, name, needed);
}

static inline int32_t inquest_dac_type_name(void *sos, uint64_t method_table, uint32_t capacity,
                                            uint16_t *name, uint32_t *needed) {
  return ((int32_t(*)(void *, uint64_t, uint32_t, uint16_t *, uint32_t *))(*(void ***)sos)[36])(
      sos, method_table, capacity, name, needed);
}

typedef struct {
  int32_t is_free;
  uint64_t module, class_, parent;
  uint16_t interfaces, methods, slots, virtuals;
  uint32_t base_size, component_size, token, attributes;
  int32_t is_shared, is_dynamic, has_pointers;
} inquest_dac_method_table;
static inline int32_t inquest_dac_get_method_table(void *sos, uint64_t address,
                                                   inquest_dac_method_table *out) {
  return ((int32_t(*)(void *, uint64_t, void *))(*(void ***)sos)[37])(sos, address, out);
}
typedef struct {
  uint16_t instance_fields, static_fields, thread_fields;
  uint64_t first;
  uint16_t context_offset, context_size;
} inquest_dac_field_list;
static inline int32_t inquest_dac_get_field_list(void *sos, uint64_t method_table,
                                                 inquest_dac_field_list *out) {
  return ((int32_t(*)(void *, uint64_t, void *))(*(void ***)sos)[39])(sos, method_table, out);
}
typedef struct {
  int32_t type, signature_type;
  uint64_t type_table, type_module;
  uint32_t type_token, token;
  uint64_t owner;
  uint32_t offset;
  int32_t is_thread_static, is_context_static, is_static;
  uint64_t next;
} inquest_dac_field;
static inline int32_t inquest_dac_get_field(void *sos, uint64_t address, inquest_dac_field *out) {
  return ((int32_t(*)(void *, uint64_t, void *))(*(void ***)sos)[42])(sos, address, out);
}

// The class of the explicit Frames with that table of virtual functions.
static inline int32_t inquest_dac_frame_name(void *sos, uint64_t table, uint32_t capacity,
                                             uint16_t *name, uint32_t *needed) {
  return ((int32_t(*)(void *, uint64_t, uint32_t, uint16_t *, uint32_t *))(*(void ***)sos)[43])(
      sos, table, capacity, name, needed);
}

// The path of a module's file; the address is that of inquest_dac_module.
static inline int32_t inquest_dac_file_name(void *sos, uint64_t assembly_file, uint32_t capacity,
                                            uint16_t *name, uint32_t *needed) {
  return ((int32_t(*)(void *, uint64_t, uint32_t, uint16_t *, uint32_t *))(*(void ***)sos)[45])(
      sos, assembly_file, capacity, name, needed);
}

typedef struct {
  uint64_t object;
  int32_t is_free;  // nothing else but `count` is of use then
  uint64_t address;
  uint32_t com_flags;
  uint32_t monitor_held;  // 1 for being held, and 2 for each thread that waits
  uint32_t recursion;
  uint64_t holding_thread;  // as inquest_dac_get_thread takes it
  uint32_t waiters;  // in Monitor.Wait
  uint64_t domain;
  uint32_t count;  // of all sync blocks
} inquest_dac_sync_block;
// The sync block of that number, from 1 to `count`.
static inline int32_t inquest_dac_get_sync_block(void *sos, uint32_t number,
                                                 inquest_dac_sync_block *out) {
  return ((int32_t(*)(void *, uint32_t, void *))(*(void ***)sos)[59])(sos, number, out);
}

typedef struct {
  int32_t has_register, reg, offset, padding;
  uint64_t address, object;
  uint32_t flags;
  int32_t source_kind;  // 1: an explicit Frame
  uint64_t source, stack_pointer;
} inquest_dac_stack_reference;
// What a thread's stack refers to, from the innermost frame on: at most `capacity` records into `out`;
// *count says how many there are. Needs the thread's registers and its stack as they are now.
static inline int32_t inquest_dac_stack_references(void *sos, uint32_t thread, uint32_t capacity,
                                                   inquest_dac_stack_reference *out,
                                                   uint32_t *count) {
  void *list = 0;
  int32_t result =
      ((int32_t(*)(void *, uint32_t, void **))(*(void ***)sos)[79])(sos, thread, &list);
  if (result != 0 || !list) return -1;
  result = ((int32_t(*)(void *, uint32_t, void *, uint32_t *))(*(void ***)list)[6])(list, capacity, out,
                                                                                    count);
  inquest_dac_release(list);
  return result;
}

// MARK: ISOSDacInterface2

typedef struct {
  uint64_t message, inner, stack_trace, watson, stack_trace_text, remote_stack_trace_text;
  int32_t hresult, xcode;
} inquest_dac_exception;
static inline int32_t inquest_dac_get_exception(void *sos2, uint64_t object,
                                                inquest_dac_exception *out) {
  return ((int32_t(*)(void *, uint64_t, void *))(*(void ***)sos2)[3])(sos2, object, out);
}
