// SPDX-License-Identifier: Apache-2.0
import Foundation
import Testing

/// Programs that have nothing to do with .NET do exactly what they do without the shim.
struct InnocentProgramTests {
  struct Example: Sendable, CustomStringConvertible {
    var description: String
    var program: String
    var arguments: [String]
  }

  static let examples = [
    Example(
      description: "bash, with its own getenv and setenv", program: "/bin/bash",
      arguments: [
        "-c",
        """
        export GREETING=hello; echo "$GREETING $HOME"; unset HOME; echo "[$HOME]"
        bash -c 'echo child $GREETING; exit 4'; echo $?; nonexistent-command; echo $?; kill -9 $$
        """,
      ]),
    Example(
      description: "python3, with subprocesses", program: "/usr/bin/python3",
      arguments: [
        "-c",
        """
        import os, subprocess, sys
        os.environ['GREETING'] = 'hello'
        print(subprocess.run(['/bin/sh', '-c', 'echo $GREETING; exit 5'], capture_output=True))
        try: os.execv('/nonexistent', ['x'])
        except OSError as error: print(error)
        sys.stdout.flush()
        os.execve('/bin/sh', ['sh', '-c', 'echo $LAST; exit 6'], {'LAST': 'word'})
        """,
      ]),
    Example(
      description: "perl, which moves its environment", program: "/usr/bin/perl",
      arguments: [
        "-e",
        """
        $0 = "renamed " x 40; $ENV{GREETING} = "hello"; print `echo \\$GREETING`;
        delete $ENV{HOME}; print `echo "[\\$HOME]"`; system("/bin/sh", "-c", "exit 7");
        print $? >> 8, "\\n"; exit 8
        """,
      ]),
    Example(
      description: "busybox", program: "/usr/bin/env",
      arguments: ["busybox", "sh", "-c", "echo hello | busybox tr a-z A-Z; exit 9"]),
  ]

  private func checkIdentical(_ program: String, _ arguments: [String]) throws {
    let scene = try Scene()
    let with = try scene.start(program, arguments)
    let without = try scene.start(program, arguments, with: ["LD_PRELOAD": nil])
    #expect(with == without)
    #expect(!with.output.isEmpty)
    #expect(!with.errors.contains("LD_PRELOAD"))
  }

  @Test(arguments: examples) func isUnchanged(_ example: Example) throws {
    try checkIdentical(example.program, example.arguments)
  }

  @Test(arguments: [Stage.C.glibc, .musl]) func compiledProgramIsUnchanged(_ c: Stage.C) throws {
    try checkIdentical(try Stage.fixture("greeting", c), ["a", "", "c"])
  }

  /// Swift's runtime, linked statically, finds its arguments by walking back from environ; others find
  /// their auxiliary vector by walking on from it. Both have to be there around the environment that
  /// the shim moves.
  @Test(arguments: [Stage.C.glibc, .musl])
  func neighboursOfTheEnvironmentAreUnchanged(_ c: Stage.C) throws {
    try checkIdentical(try Stage.fixture("neighbours", c), ["a", "", "c d"])
  }

  /// Failing calls: NULL and wild pointers, missing files, too long arguments, createdump or not.
  @Test(arguments: [Stage.C.glibc, .musl]) func failingExecIsUnchanged(_ c: Stage.C) throws {
    let scene = try Scene()
    try checkIdentical(try Stage.fixture("contract", c), [scene.scratch.folder])
  }

  @Test(arguments: [Stage.C.glibc, .musl])
  func shimIsReallyLoaded(_ c: Stage.C) throws {
    // Without this, every comparison above would be one of two runs without the shim.
    let scene = try Scene()
    let outcome = try scene.createdump(
      ["createdump", "@", "--signal", "6", "--crashthread", "@"], c: c)
    #expect(outcome.status == 0)
    #expect(try scene.collectorSeen != nil)
  }

  @Test(arguments: [Stage.C.glibc, .musl], ["null-envp", "null-argv", "vfork", "execv"])
  func successfulExecIsUnchanged(_ c: Stage.C, _ how: String) throws {
    try checkIdentical(
      try Stage.fixture("launcher", c), [how, try Stage.fixture("greeting", c), "greeting", "a b"])
  }
}
