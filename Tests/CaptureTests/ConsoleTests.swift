import Glibc
import TestSupport
import Testing

@testable import Capture

/// Our lines go to logs, not into somebody's data.
@Suite struct ConsoleTests {
  private func takesWords(_ descriptor: CInt) -> Bool {
    defer { close(descriptor) }
    return Console.takesWords(descriptor)
  }

  @Test func logsTakeWords() throws {
    let scratch = try Scratch()
    #expect(takesWords(open(scratch.file("log"), O_WRONLY | O_CREAT | O_APPEND, 0o600)))
    #expect(takesWords(open("/dev/null", O_RDWR)))
    var pair: [CInt] = [-1, -1]
    #expect(pipe(&pair) == 0)
    close(pair[0])
    #expect(takesWords(pair[1]))
    #expect(socketpair(AF_UNIX, Int32(SOCK_STREAM.rawValue), 0, &pair) == 0)
    close(pair[0])
    #expect(takesWords(pair[1]), "the journal's")
  }

  @Test func dataAndClientsDoNot() throws {
    let scratch = try Scratch()
    #expect(!takesWords(open(scratch.file("data"), O_RDWR | O_CREAT, 0o600)))
    #expect(!takesWords(socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)))
    #expect(!takesWords(-1))
  }
}
