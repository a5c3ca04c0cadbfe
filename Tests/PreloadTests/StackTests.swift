// SPDX-License-Identifier: Apache-2.0
import Foundation
import Testing

/// The hook runs on what a runtime left of its alternate signal stack (field bugs, the hook).
struct StackTests {
  private func crash(_ left: Int, _ c: Stage.C, _ scene: Scene) throws -> Outcome {
    try scene.start(
      try Stage.fixture("alternate_stack", c), [scene.createdump, "\(left)"],
      with: ["DOTNET_DbgMiniDumpName": "/d/core", "SWIFT_BACKTRACE": "enable=yes"])
  }

  @Test(arguments: [Stage.C.glibc, .musl], [4096, 2048])
  func fourKilobytesAreEnough(_ c: Stage.C, _ left: Int) throws {
    let scene = try Scene()
    #expect(try crash(left, c, scene).status == 0)
    #expect(try scene.collectorSeen != nil)
  }

  @Test(arguments: [4096, 2048]) func forTheFallbackToo(_ left: Int) throws {
    let scene = try Scene()
    try FileManager.default.removeItem(atPath: scene.collector)
    #expect(try crash(left, .glibc, scene).status == 0)
  }

  /// The guard page is where we think that it is.
  @Test func aHundredBytesAreNot() throws {
    let scene = try Scene()
    #expect(try crash(100, .glibc, scene).status == 128 + SIGSEGV)
  }
}
