import Foundation
import TestSupport

/// A server on this machine, at a port that was free.
final class DebugServer {
  let url: String
  private let child: Child

  private init(url: String, child: Child) {
    (self.url, self.child) = (url, child)
  }

  /// elfutils' own, with every ELF file of a directory.
  static func debuginfod(_ directory: String) throws -> DebugServer {
    for _ in 0..<10 {
      let port = try output(of: [
        "python3", "-c",
        "import socket; s = socket.socket(); s.bind(('127.0.0.1', 0)); print(s.getsockname()[1])",
      ]).trimmingCharacters(in: .whitespacesAndNewlines)
      // It logs to stderr, and looks for files once it has begun to listen.
      let child = try Child([
        "sh", "-c", #"exec debuginfod -v -F "$1" -d :memory: -p "$2" 2>&1"#, "sh", directory, port,
      ])
      while let line = try? child.line(timeout: 30) {
        if line.contains("groomed database") {
          return DebugServer(url: "http://127.0.0.1:\(port)", child: child)
        }
      }
      // Somebody else was given the port meanwhile.
    }
    throw TestFailure("no debuginfod can be started")
  }

  /// One that answers each request in a way of its own.
  ///
  /// - Parameter answer: Python, the body of a function of `self`, an http.server request.
  static func misbehaving(_ answer: String) throws -> DebugServer {
    let script = """
      import http.server, time
      class Handler(http.server.BaseHTTPRequestHandler):
        def do_GET(self):
          \(answer)
        def log_message(self, *words): pass
      server = http.server.ThreadingHTTPServer(('127.0.0.1', 0), Handler)
      print(server.server_port, flush=True)
      server.serve_forever()
      """
    let child = try Child(["python3", "-c", script])
    return DebugServer(url: "http://127.0.0.1:\(try child.line())", child: child)
  }

  /// Ends it: what it has logged of requests.
  func requests() throws -> [Substring] {
    kill(child.pid, SIGTERM)
    return try child.finish().text.split(separator: "\n").filter { $0.contains(" GET /buildid/") }
  }
}
