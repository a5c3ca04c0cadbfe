import Glibc
import Testing

@testable import Store

@Suite struct ErrorTests {
  @Test func `what the system says gets a case of its own`() {
    let cases: [(Int32, StoreError)] = [
      (EACCES, .notWritable(path: "/x")), (EPERM, .notWritable(path: "/x")),
      (EROFS, .readOnlyFileSystem(path: "/x")), (ENOSPC, .diskFull(path: "/x")),
      (EDQUOT, .diskFull(path: "/x")), (ELOOP, .symlink(path: "/x")),
      (ENOTDIR, .notADirectory(path: "/x")), (EISDIR, .isADirectory(path: "/x")),
    ]
    for (code, error) in cases { #expect(StoreError.from(code, path: "/x") == error) }
  }

  @Test func `every message is one line that names the path and ends with what would help`() {
    let errors: [StoreError] = [
      .cannotCreate(path: "/x", code: EACCES), .notWritable(path: "/x"), .notReadable(path: "/x"),
      .readOnlyFileSystem(path: "/x"), .diskFull(path: "/x"), .symlink(path: "/x"),
      .notADirectory(path: "/x"), .isADirectory(path: "/x"), .foreignOwner(path: "/x", owner: 7),
      .noMatch(key: "k", directory: "/x"),
    ]
    for error in errors {
      #expect(error.description.contains("/x"))
      #expect(error.description.contains("; "))
      #expect(!error.description.contains("\n"))
    }
    #expect(Set(errors.map(\.description)).count == errors.count)
  }

  @Test func `permission is told from other reasons`() {
    #expect(StoreError.cannotCreate(path: "/x", code: EACCES).isPermission)
    #expect(!StoreError.cannotCreate(path: "/x", code: ENOENT).isPermission)
    #expect(!StoreError.diskFull(path: "/x").isPermission)
  }
}
