// ELF through libelf, DWARF through libdw, xz through liblzma, zlib's format through libdeflate: the module
// is their headers, nothing needs wrapping. Not libdwfl, which asks debuginfod servers.
//
// elf.h is in Glibc's module too: depending on the build mode Swift sees its types there, so importers
// of this module import Glibc as well.
#pragma once

#include <dwarf.h>
#include <elf.h>
#include <elfutils/libdw.h>
#include <elfutils/libdwelf.h>
#include <gelf.h>
#include <libdeflate.h>
#include <libelf.h>
#include <lzma.h>
