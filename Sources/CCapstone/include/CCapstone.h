// One machine instruction taken apart by Capstone, which is loaded for it and let go of again.
//
// Nothing of Capstone's own is in here. Its library has 77,000 relocations: linked in, or loaded from the
// beginning, it would cost every collection what only some need.
#pragma once

#include <stddef.h>
#include <stdint.h>

#define CCAPSTONE_READ 1
#define CCAPSTONE_WRITE 2

// An operand in memory. Names of registers are empty where there is none.
typedef struct {
  char segment[8], base[8], index[8];
  int scale;
  int64_t displacement;
  int size;    // bytes; 0 where that is not known
  int access;  // of the two above
} ccapstone_operand;

typedef struct {
  int size;  // bytes
  char text[200];
  int count;
  ccapstone_operand operands[4];
} ccapstone_instruction;

// The instruction at the beginning of `bytes`, which lie at `address`. Returns 1; 0 for what is no
// instruction; -1 where the library is not installed.
int ccapstone_decode(const uint8_t *bytes, size_t count, uint64_t address, ccapstone_instruction *out);
