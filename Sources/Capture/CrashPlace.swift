import Diagnosis
import Memory
import Report

/// Says in words where a crash happened.
enum CrashPlace {
  /// `crash_write (crash.c:12)`, without lines `crash_write (libcrash.so)`; for abort() its caller; for a
  /// jump to nowhere who jumped.
  static func words(_ frames: [Frame], images: ImageTable) -> String? {
    if let abort = frames.firstIndex(where: { $0.function == "abort" }) {
      return abort + 1 < frames.count ? one(frames[abort + 1], images) : nil
    }
    guard let first = frames.first else { return nil }
    if let place = one(first, images) { return place }
    return frames.dropFirst().first.flatMap { one($0, images) }.map { "a call from \($0)" }
  }

  /// The managed frame that called the native function in which it happened.
  static func managedCaller(_ frames: [Frame], images: ImageTable) -> String? {
    guard let first = frames.first, first.kind != .managed, one(first, images) != nil else {
      return nil
    }
    let caller = frames.first { $0.kind == .managed && $0.plumbing != true }
    return caller.flatMap { one($0, images) }
  }

  private static func one(_ frame: Frame, _ images: ImageTable) -> String? {
    guard let module = frame.module else { return frame.function }
    if frame.kind == .managed {
      guard let function = frame.function else { return "managed code" }
      let place = ExceptionWords.fileAndLine(frame) ?? frame.managed?.assembly
      return place.map { $0.isEmpty ? function : "\(function) (\($0))" } ?? function
    }
    // Where a stub lies says nothing.
    if images.images[module].kind == .jit { return frame.function }
    let path = images.images[module].path
    let file = path.split(separator: "/").last.map(String.init) ?? path
    if let function = frame.function {
      return "\(function) (\(ExceptionWords.fileAndLine(frame) ?? file))"
    }
    return frame.moduleOffset.map { "\(file)+\($0)" }
  }
}
