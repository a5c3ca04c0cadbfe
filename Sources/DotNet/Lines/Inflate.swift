internal import CZlib

/// Raw deflate (RFC 1951), within a limit: zeros pack 1000 to 1.
enum Inflate {
  enum Failure: Error, Equatable {
    /// More comes out than was allowed.
    case tooLong
    /// The data is damaged, or ends too early.
    case damaged
  }

  /// What `packed` unpacks to.
  ///
  /// - Parameter limit: in bytes, of what comes out.
  static func raw(_ packed: [UInt8], limit: Int) throws(Failure) -> [UInt8] {
    var stream = z_stream()
    guard packed.count <= Int(UInt32.max), limit >= 0, limit < Int(UInt32.max),
      czlib_raw_inflate_init(&stream) == Z_OK
    else { throw .damaged }
    defer { inflateEnd(&stream) }
    var status = Z_OK
    // One byte more than allowed tells whether there is more. Untouched pages cost nothing.
    let unpacked = [UInt8](unsafeUninitializedCapacity: limit + 1) { output, filled in
      packed.withUnsafeBufferPointer { input in
        // zlib does not write to its input.
        stream.next_in = UnsafeMutablePointer(mutating: input.baseAddress)
        stream.avail_in = UInt32(input.count)
        stream.next_out = output.baseAddress
        stream.avail_out = UInt32(limit + 1)
        status = inflate(&stream, Z_FINISH)
      }
      filled = limit + 1 - Int(stream.avail_out)
    }
    if unpacked.count > limit { throw .tooLong }
    guard status == Z_STREAM_END else { throw .damaged }
    return unpacked
  }
}
