// zlib: the module is its header, and the one thing in it that Swift cannot call, a macro.
#pragma once

#include <zlib.h>

/// inflateInit2 for raw deflate, without a header or a checksum.
static inline int czlib_raw_inflate_init(z_stream *stream) {
  return inflateInit2(stream, -MAX_WBITS);
}
