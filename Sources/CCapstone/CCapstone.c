#include "CCapstone.h"

#include <capstone/capstone.h>
#include <dlfcn.h>
#include <stdio.h>
#include <string.h>

// The functions of the library that are called, by their own names.
static struct {
  __typeof__(&cs_open) open;
  __typeof__(&cs_close) close;
  __typeof__(&cs_option) option;
  __typeof__(&cs_disasm) disasm;
  __typeof__(&cs_free) free;
  __typeof__(&cs_reg_name) reg_name;
} capstone;

static void *load(void) {
  // The name has the version of its interface in it: what the headers say holds for it.
  void *library = dlopen("libcapstone.so.4", RTLD_NOW | RTLD_LOCAL);
  if (library == NULL) return NULL;
  capstone.open = (__typeof__(capstone.open))dlsym(library, "cs_open");
  capstone.close = (__typeof__(capstone.close))dlsym(library, "cs_close");
  capstone.option = (__typeof__(capstone.option))dlsym(library, "cs_option");
  capstone.disasm = (__typeof__(capstone.disasm))dlsym(library, "cs_disasm");
  capstone.free = (__typeof__(capstone.free))dlsym(library, "cs_free");
  capstone.reg_name = (__typeof__(capstone.reg_name))dlsym(library, "cs_reg_name");
  if (capstone.open && capstone.close && capstone.option && capstone.disasm && capstone.free &&
      capstone.reg_name)
    return library;
  dlclose(library);
  return NULL;
}

static void name(csh handle, unsigned number, char *out, size_t room) {
  const char *name = number == 0 ? NULL : capstone.reg_name(handle, number);
  snprintf(out, room, "%s", name == NULL ? "" : name);
}

static ccapstone_operand *next(ccapstone_instruction *out) {
  size_t room = sizeof out->operands / sizeof *out->operands;
  return (size_t)out->count < room ? &out->operands[out->count++] : NULL;
}

// CS_AC_READ and CS_AC_WRITE are bits, with the values of ours.
static int access_of(uint8_t access) { return access & (CS_AC_READ | CS_AC_WRITE); }

#if defined(__x86_64__)
static const cs_arch arch = CS_ARCH_X86;
static const cs_mode mode = CS_MODE_64;

// What an instruction does to the stack without saying so.
static void add_stack(unsigned id, ccapstone_instruction *out) {
  int access = 0;
  switch (id) {
    case X86_INS_PUSH:
    case X86_INS_PUSHFQ:
    case X86_INS_CALL: access = CCAPSTONE_WRITE; break;
    case X86_INS_POP:
    case X86_INS_POPFQ:
    case X86_INS_RET:
    case X86_INS_LEAVE: access = CCAPSTONE_READ; break;
    default: return;
  }
  ccapstone_operand *operand = next(out);
  if (operand == NULL) return;
  strcpy(operand->base, id == X86_INS_LEAVE ? "rbp" : "rsp");
  operand->size = 8;
  operand->access = access;
  operand->displacement = access == CCAPSTONE_WRITE ? -8 : 0;
}

static void add_operands(csh handle, const cs_insn *one, ccapstone_instruction *out) {
  // They compute an address, or say one, and go nowhere.
  if (one->id == X86_INS_LEA || one->id == X86_INS_NOP) return;
  const cs_x86 *x86 = &one->detail->x86;
  for (int i = 0; i < x86->op_count; i++) {
    const cs_x86_op *from = &x86->operands[i];
    ccapstone_operand *operand = from->type == X86_OP_MEM ? next(out) : NULL;
    if (operand == NULL) continue;
    name(handle, from->mem.segment, operand->segment, sizeof operand->segment);
    name(handle, from->mem.base, operand->base, sizeof operand->base);
    name(handle, from->mem.index, operand->index, sizeof operand->index);
    operand->scale = from->mem.scale;
    operand->displacement = from->mem.disp;
    operand->size = from->size;
    operand->access = access_of(from->access);
    // Of cmpxchg and xadd Capstone 4 knows the reading only.
    if (x86->prefix[0] == X86_PREFIX_LOCK) operand->access = CCAPSTONE_READ | CCAPSTONE_WRITE;
  }
  add_stack(one->id, out);
}
#elif defined(__aarch64__)
static const cs_arch arch = CS_ARCH_ARM64;
static const cs_mode mode = CS_MODE_LITTLE_ENDIAN;

static void add_operands(csh handle, const cs_insn *one, ccapstone_instruction *out) {
  const cs_arm64 *arm = &one->detail->arm64;
  for (int i = 0; i < arm->op_count; i++) {
    const cs_arm64_op *from = &arm->operands[i];
    ccapstone_operand *operand = from->type == ARM64_OP_MEM ? next(out) : NULL;
    if (operand == NULL) continue;
    name(handle, from->mem.base, operand->base, sizeof operand->base);
    name(handle, from->mem.index, operand->index, sizeof operand->index);
    operand->scale = 1 << (from->shift.type == ARM64_SFT_LSL ? from->shift.value & 7 : 0);
    operand->displacement = from->mem.disp;
    operand->access = access_of(from->access);
  }
}
#endif

static int decode(csh handle, const uint8_t *bytes, size_t count, uint64_t address,
                  ccapstone_instruction *out) {
  capstone.option(handle, CS_OPT_DETAIL, CS_OPT_ON);
  cs_insn *one = NULL;
  if (capstone.disasm(handle, bytes, count, address, 1, &one) != 1) return 0;
  out->size = one->size;
  snprintf(out->text, sizeof out->text, "%s%s%s", one->mnemonic, one->op_str[0] ? " " : "",
           one->op_str);
  add_operands(handle, one, out);
  capstone.free(one, 1);
  return 1;
}

int ccapstone_decode(const uint8_t *bytes, size_t count, uint64_t address,
                     ccapstone_instruction *out) {
  memset(out, 0, sizeof *out);
  void *library = load();
  if (library == NULL) return -1;
  csh handle;
  int result = 0;
  if (capstone.open(arch, mode, &handle) == CS_ERR_OK) {
    result = decode(handle, bytes, count, address, out);
    capstone.close(&handle);
  }
  dlclose(library);
  return result;
}
