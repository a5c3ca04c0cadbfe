import Glibc
import Store

/// A directory of its own for one test, deleted afterwards.
final class Scratch {
  let path: String

  init() {
    var template = Array("/tmp/inquest-store-XXXXXX".utf8CString)
    path = template.withUnsafeMutableBufferPointer { buffer in
      mkdtemp(buffer.baseAddress!).map { String(cString: $0) } ?? ""
    }
    precondition(!path.isEmpty, "mkdtemp failed")
  }

  deinit {
    Scratch.remove(path)
  }

  static func remove(_ path: String) {
    for name in names(in: path) {
      let inner = path + "/" + name
      if unlink(inner) != 0 { remove(inner) }
    }
    rmdir(path)
  }

  static func link(_ target: String, _ path: String) {
    symlink(target, path)
  }

  /// Everything in a directory, hidden files too.
  static func names(in path: String) -> [String] {
    guard let stream = opendir(path) else { return [] }
    defer { closedir(stream) }
    var names: [String] = []
    while let entry = readdir(stream) {
      let start = UnsafeRawPointer(entry) + MemoryLayout<dirent>.offset(of: \.d_name)!
      let name = String(cString: start.assumingMemoryBound(to: CChar.self))
      if name != ".", name != ".." { names.append(name) }
    }
    return names.sorted()
  }
}

func mode(_ path: String) -> mode_t {
  var status = stat()
  guard lstat(path, &status) == 0 else { return 0 }
  return status.st_mode & 0o7777
}

func contents(_ path: String) -> [UInt8] {
  let number = open(path, O_RDONLY)
  defer { close(number) }
  var result: [UInt8] = []
  var buffer = [UInt8](repeating: 0, count: 65536)
  while case let count = read(number, &buffer, buffer.count), count > 0 {
    result += buffer[..<count]
  }
  return result
}

func put(_ text: String, _ path: String) {
  let number = open(path, O_WRONLY | O_CREAT | O_TRUNC, 0o644)
  defer { close(number) }
  _ = text.withCString { write(number, $0, strlen($0)) }
}

/// The error that `body` throws; nil if it does not.
func storeError(_ body: () throws(StoreError) -> Void) -> StoreError? {
  do throws(StoreError) {
    try body()
    return nil
  } catch {
    return error
  }
}
