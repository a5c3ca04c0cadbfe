// ELF through libelf, xz through liblzma: the module is their headers, nothing needs wrapping.
//
// elf.h is in Glibc's module too: depending on the build mode Swift sees its types there, so importers
// of this module import Glibc as well.
#pragma once

#include <elf.h>
#include <gelf.h>
#include <libelf.h>
#include <lzma.h>
