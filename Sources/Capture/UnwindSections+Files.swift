import Memory
import Symbols
import Unwinding

extension UnwindSections {
  /// From the images' files, as the process sees them, and from their debug files.
  init(pid: Int32, liveThread: Int32, isPastDeadline: @escaping () -> Bool) {
    let files = Symbolizer(open: { ImageFile.open($0, pid: pid, liveThread: liveThread) })
    self.init(
      exceptionFrames: { files.addresses(ofSection: ".eh_frame", in: $0) },
      debugFrames: { files.debugFrames(of: $0, isPastDeadline: isPastDeadline) })
  }
}
