// swift-tools-version: 6.2
import PackageDescription

// Swift 6 language mode comes with the tools version; what follows makes the compiler guard the
// borders between modules: a C type, or any import, stays inside the module that names it.
let house: [SwiftSetting] = [
  .enableUpcomingFeature("ExistentialAny"),
  .enableUpcomingFeature("InternalImportsByDefault"),
  .enableUpcomingFeature("MemberImportVisibility"),
]

// The collector's own modules, besides: no async and no regular expressions, not even by accident. One use of
// either links all of it, and the collector starts in milliseconds because it is small.
let crashPath: [SwiftSetting] =
  house + [
    .unsafeFlags([
      "-Xfrontend", "-disable-implicit-concurrency-module-import",
      "-Xfrontend", "-disable-implicit-string-processing-module-import",
      // For the linker, to leave functions out and to lay them side by side.
      "-Xfrontend", "-function-sections",
    ])
  ]

// lld links in a third of the time of the default linker, and drops what nothing refers to. Everything but libc and
// libunwind is linked in: the collector starts in 0.7 ms instead of 1.7, and runs in an image that has none of these
// libraries (Debian's static libunwind cannot be linked into what is loaded anywhere). Packed relocations would save
// 0.15 ms more, and demand glibc 2.36 of whoever copies it to Ubuntu 22.04.
let linker: [LinkerSetting] = [
  .unsafeFlags([
    "-use-ld=lld", "-L\(Context.packageDirectory)/tools/link", "-Xclang-linker", "-static-libgcc",
    "-Xlinker", "--no-export-dynamic",
    // DT_RPATH instead of DT_RUNPATH: libunwind lies beside the collector (tools/install-tree), and only the
    // former holds for the libraries that libunwind loads in turn (ld.so(8)).
    "-Xlinker", "--disable-new-dtags",
    "-Xlinker", "--symbol-ordering-file=\(Context.packageDirectory)/tools/link/functions",
    "-Xlinker", "--no-warn-symbol-ordering",
  ])
]

#if arch(arm64)
  let unwindLibrary = "unwind-aarch64"
#else
  let unwindLibrary = "unwind-x86_64"
#endif

let package = Package(
  name: "inquest",
  products: [
    .executable(name: "inquest", targets: ["inquest"]),
    .executable(name: "inquest-collector", targets: ["inquest-collector"]),
  ],
  dependencies: [
    .package(url: "https://github.com/apple/swift-argument-parser", from: "1.5.0")
  ],
  targets: [
    // C, header-only where possible.
    .target(name: "CLinux"),
    .target(
      name: "CUnwind",
      // The remote half of libunwind only: `-lunwind`, the local one, would interpose _Unwind_*.
      linkerSettings: [.linkedLibrary(unwindLibrary)]),
    .target(
      name: "CElfutils",
      // xz for .gnu_debugdata, which libdw would unpack without limit; libdeflate for packed debug sections.
      linkerSettings: [
        .linkedLibrary(":libdw.a"), .linkedLibrary(":libelf.a"), .linkedLibrary(":liblzma.a"),
        .linkedLibrary(":libz.a"), .linkedLibrary(":libbz2.a"), .linkedLibrary(":libdeflate.a"),
      ]),
    .target(name: "CDac"),
    .target(
      name: "CDemangle",
      linkerSettings: [.linkedLibrary(":libiberty.a")]),
    // Headers only: the library is loaded by the few collections that need it.
    .target(name: "CCapstone"),
    .target(name: "CZlib", linkerSettings: [.linkedLibrary(":libz.a")]),

    // Data.
    .target(name: "Report", swiftSettings: crashPath),
    .target(name: "Memory", swiftSettings: crashPath),

    // Reading the dying process.
    .target(name: "Inferior", dependencies: ["CLinux", "Memory"], swiftSettings: crashPath),
    .target(name: "Unwinding", dependencies: ["CUnwind", "Memory"], swiftSettings: crashPath),
    .target(
      name: "Symbols", dependencies: ["CElfutils", "CDemangle", "Memory"], swiftSettings: crashPath),
    .target(name: "Disassembly", dependencies: ["CCapstone", "Memory"], swiftSettings: crashPath),
    .target(name: "DotNet", dependencies: ["CDac", "CZlib", "Memory"], swiftSettings: crashPath),

    // Understanding and showing. Reading a report back takes Foundation, which the collector does without.
    .target(name: "ReportReader", dependencies: ["Report"], swiftSettings: house),
    .target(name: "Diagnosis", dependencies: ["Report"], swiftSettings: crashPath),
    .target(name: "Render", dependencies: ["Report"], swiftSettings: house),
    .target(name: "Store", dependencies: ["CLinux", "Report"], swiftSettings: crashPath),

    // The story from request to report.
    .target(
      name: "Capture",
      dependencies: [
        "CLinux", "Diagnosis", "Disassembly", "DotNet", "Inferior", "Memory", "Report", "Store",
        "Symbols", "Unwinding",
      ],
      swiftSettings: crashPath),
    .executableTarget(
      name: "inquest-collector", dependencies: ["Capture", "Report"], swiftSettings: crashPath,
      linkerSettings: linker),
    .executableTarget(
      name: "inquest",
      dependencies: [
        "Render", "Report", "ReportReader", "Store", "CLinux",
        .product(name: "ArgumentParser", package: "swift-argument-parser"),
      ],
      swiftSettings: house, linkerSettings: linker),

    // What tests share: running programs, fixtures, reports.
    .target(
      name: "TestSupport", dependencies: ["Memory", "Report", "ReportReader"],
      path: "Tests/Support",
      swiftSettings: house),
    .testTarget(
      name: "MemoryTests", dependencies: ["Memory", "Inferior", "TestSupport"],
      swiftSettings: house),
    .testTarget(
      name: "UnwindingTests",
      dependencies: ["Unwinding", "Memory", "Inferior", "TestSupport"],
      swiftSettings: house),
    .testTarget(
      name: "InferiorTests", dependencies: ["Inferior", "Memory", "TestSupport"],
      swiftSettings: house),
    .testTarget(
      name: "DiagnosisTests", dependencies: ["Diagnosis", "Report"], swiftSettings: house),
    .testTarget(
      name: "CaptureTests",
      dependencies: [
        "Capture", "Disassembly", "DotNet", "Inferior", "Memory", "Report", "ReportReader",
        "Symbols",
        "TestSupport",
        "Unwinding",
      ],
      swiftSettings: house),
    .testTarget(
      name: "AccuracyTests", dependencies: ["Report", "TestSupport"], swiftSettings: house),
    .testTarget(name: "ArchitectureTests", dependencies: ["TestSupport"], swiftSettings: house),
    .testTarget(name: "ContractTests", dependencies: ["TestSupport"], swiftSettings: house),
    .testTarget(
      name: "PreloadTests", exclude: ["Fixtures"], swiftSettings: house),
    .testTarget(name: "SymbolsTests", dependencies: ["Symbols", "Memory"], swiftSettings: house),
    .testTarget(
      name: "ReportTests", dependencies: ["Report", "ReportReader"], swiftSettings: house),
    .testTarget(
      name: "CommandTests", dependencies: ["inquest", "Report", "ReportReader"],
      swiftSettings: house),
    .testTarget(name: "StoreTests", dependencies: ["Store"], swiftSettings: house),
    .testTarget(name: "DotNetTests", swiftSettings: house),
    .testTarget(
      name: "ExampleTests", dependencies: ["Report", "ReportReader", "TestSupport"],
      swiftSettings: house),
    .testTarget(
      name: "DotNetUnitTests", dependencies: ["DotNet", "Memory", "TestSupport"],
      swiftSettings: house),
    .testTarget(name: "RenderTests", dependencies: ["Render", "Report"], swiftSettings: house),
  ]
)
