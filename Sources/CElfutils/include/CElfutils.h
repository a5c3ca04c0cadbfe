// ELF through libelf, xz through liblzma: the module is their headers, nothing needs wrapping.
#pragma once

#include <elf.h>
#include <gelf.h>
#include <libelf.h>
#include <lzma.h>
