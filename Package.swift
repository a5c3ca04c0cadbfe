// swift-tools-version: 6.2
import PackageDescription

// Swift 6 language mode comes with the tools version; what follows makes the compiler guard the
// borders between modules: a C type, or any import, stays inside the module that names it.
let house: [SwiftSetting] = [
  .enableUpcomingFeature("ExistentialAny"),
  .enableUpcomingFeature("InternalImportsByDefault"),
  .enableUpcomingFeature("MemberImportVisibility"),
]

// lld links in a third of the time of the default linker, and drops what nothing refers to.
let linker: [LinkerSetting] = [.unsafeFlags(["-use-ld=lld"])]

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
      // xz for .gnu_debugdata, which libdw would unpack without limit.
      linkerSettings: [.linkedLibrary("dw"), .linkedLibrary("elf"), .linkedLibrary("lzma")]),
    .target(name: "CDac"),
    .target(
      name: "CDemangle",
      linkerSettings: [.linkedLibrary(":libiberty.a")]),
    .target(name: "CZlib", linkerSettings: [.linkedLibrary("z")]),

    // Data.
    .target(name: "Report", swiftSettings: house),
    .target(name: "Memory", swiftSettings: house),

    // Reading the dying process.
    .target(name: "Inferior", dependencies: ["CLinux", "Memory"], swiftSettings: house),
    .target(name: "Unwinding", dependencies: ["CUnwind", "Memory"], swiftSettings: house),
    .target(
      name: "Symbols", dependencies: ["CElfutils", "CDemangle", "Memory"], swiftSettings: house),
    .target(name: "DotNet", dependencies: ["CDac", "CZlib", "Memory"], swiftSettings: house),

    // Understanding and showing.
    .target(name: "Diagnosis", dependencies: ["Report"], swiftSettings: house),
    .target(name: "Render", dependencies: ["Report"], swiftSettings: house),
    .target(name: "Store", dependencies: ["CLinux", "Report"], swiftSettings: house),

    // The story from request to report.
    .target(
      name: "Capture",
      dependencies: [
        "CLinux", "Diagnosis", "DotNet", "Inferior", "Memory", "Report", "Store", "Symbols",
        "Unwinding",
      ],
      swiftSettings: house),
    .executableTarget(
      name: "inquest-collector", dependencies: ["Capture", "Report"], swiftSettings: house,
      linkerSettings: linker),
    .executableTarget(
      name: "inquest",
      dependencies: [
        "Render", "Report", "Store", "CLinux",
        .product(name: "ArgumentParser", package: "swift-argument-parser"),
      ],
      swiftSettings: house, linkerSettings: linker),

    // What tests share: running programs, fixtures, reports.
    .target(
      name: "TestSupport", dependencies: ["Memory", "Report"], path: "Tests/Support",
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
        "Capture", "DotNet", "Memory", "Report", "Symbols", "TestSupport", "Unwinding",
      ],
      swiftSettings: house),
    .testTarget(
      name: "AccuracyTests", dependencies: ["Report", "TestSupport"], swiftSettings: house),
    .testTarget(name: "ArchitectureTests", dependencies: ["TestSupport"], swiftSettings: house),
    .testTarget(
      name: "PreloadTests", exclude: ["Fixtures"], swiftSettings: house),
    .testTarget(name: "SymbolsTests", dependencies: ["Symbols", "Memory"], swiftSettings: house),
    .testTarget(name: "ReportTests", dependencies: ["Report"], swiftSettings: house),
    .testTarget(name: "CommandTests", dependencies: ["inquest", "Report"], swiftSettings: house),
    .testTarget(name: "StoreTests", dependencies: ["Store"], swiftSettings: house),
    .testTarget(name: "DotNetTests", swiftSettings: house),
    .testTarget(
      name: "DotNetUnitTests", dependencies: ["DotNet", "Memory", "TestSupport"],
      swiftSettings: house),
    .testTarget(name: "RenderTests", dependencies: ["Render", "Report"], swiftSettings: house),
  ]
)
