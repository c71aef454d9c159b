// swift-tools-version: 6.2
import PackageDescription

/// Every target is built with the same strict settings, except the C module maps.
let strict: [SwiftSetting] = [
    .swiftLanguageMode(.v6),
    .enableUpcomingFeature("ExistentialAny"),
    .enableUpcomingFeature("MemberImportVisibility"),
    .enableUpcomingFeature("InternalImportsByDefault"),
    .enableUpcomingFeature("NonisolatedNonsendingByDefault"),
    .enableUpcomingFeature("InferIsolatedConformances"),
    .enableUpcomingFeature("ImmutableWeakCaptures"),
    .treatAllWarnings(as: .error),
    .strictMemorySafety(),
]

let package = Package(
    name: "migrate",
    products: [
        .executable(name: "migrate", targets: ["migrate"]),
        .executable(name: "migrate-lab", targets: ["migrate-lab"]),
        .library(name: "TextProcessing", targets: ["TextProcessing"]),
    ],
    dependencies: [
        .package(url: "https://github.com/apple/swift-argument-parser", from: "1.8.0"),
        .package(url: "https://github.com/apple/swift-collections", from: "1.6.0"),
        .package(url: "https://github.com/apple/swift-crypto", from: "4.5.0"),
        .package(url: "https://github.com/apple/swift-log", from: "1.16.0"),
        .package(url: "https://github.com/swiftlang/swift-subprocess", from: "1.0.0"),
        .package(url: "https://github.com/apple/swift-system", from: "1.5.0"),
        .package(url: "https://github.com/groue/GRDB.swift", from: "7.10.0"),
        .package(url: "https://github.com/swhitty/FlyingFox", from: "0.27.0"),
    ],
    targets: [
        // The C libraries, each imported by one room only (see Tests/Unit/TidyTests.swift).
        .systemLibrary(name: "CCurl", pkgConfig: "libcurl", providers: [.apt(["libcurl4-openssl-dev"])]),
        .systemLibrary(name: "CMariaDB", pkgConfig: "libmariadb", providers: [.apt(["libmariadb-dev"])]),
        .systemLibrary(name: "CPostgres", pkgConfig: "libpq", providers: [.apt(["libpq-dev"])]),

        // Pure text work: no I/O, no concurrency.
        .target(
            name: "TextProcessing",
            dependencies: [.product(name: "Crypto", package: "swift-crypto")],
            swiftSettings: strict
        ),
        // The few parts of Foundation that FoundationEssentials lacks and we need, without its tables of all languages.
        .target(name: "Basics", swiftSettings: strict),
        // Every setting: its name, default, range and help, and where a value came from.
        .target(name: "Settings", dependencies: ["Basics"], swiftSettings: strict),
        // What a migration is: values, the tracking contract, ports, and decisions. It uses no socket and no system clock.
        .target(
            name: "Migration",
            dependencies: [
                "TextProcessing",
                .product(name: "Crypto", package: "swift-crypto"),
                .product(name: "DequeModule", package: "swift-collections"),
            ],
            swiftSettings: strict
        ),
        // The engine: the loops that await the ports, for joining, migrating and verifying. It decides little by itself.
        .target(name: "Engine", dependencies: ["Migration", "TextProcessing"], swiftSettings: strict),
        // The SQL of job tracking, embedded in the binary; the files in `sql/` are the only source.
        .target(name: "CTrackingSQL"),
        // Keeps the tables of ICU, which GRDB's import of Foundation brings, out of a statically linked program.
        .target(name: "CNoICU"),
        // Production adapters: servers, their protocols, and the system.
        .target(
            name: "Adapters",
            dependencies: [
                "Basics", "CCurl", "CMariaDB", "CPostgres", "CTrackingSQL", "Migration", "Settings", "TextProcessing",
                .product(name: "Crypto", package: "swift-crypto"),
                .product(name: "DequeModule", package: "swift-collections"),
                .product(name: "Subprocess", package: "swift-subprocess"),
                .product(name: "SystemPackage", package: "swift-system"),
            ],
            exclude: ["SQLite"],
            swiftSettings: strict
        ),
        // The adapters that keep their data in a file of SQLite: a target of its own, because only they use GRDB.
        .target(
            name: "SQLite",
            dependencies: [
                "Basics", "CNoICU", "CTrackingSQL", "Migration", .product(name: "Crypto", package: "swift-crypto"),
                .product(name: "GRDB", package: "GRDB.swift"),
            ],
            path: "Sources/Adapters/SQLite",
            swiftSettings: strict
        ),
        // The seeded executor with virtual time; it does not know migrations. Its C part is a hook of the Swift runtime.
        .target(name: "CSimulation"),
        .target(
            name: "Simulation",
            dependencies: ["CSimulation", .product(name: "HeapModule", package: "swift-collections")],
            swiftSettings: strict
        ),
        // In-memory fakes of the four services, with a hook before and after each call for tests.
        .target(
            name: "Fakes",
            dependencies: ["Migration", "TextProcessing"],
            swiftSettings: strict
        ),
        // The same fakes over HTTP on loopback.
        .target(
            name: "ServedFakes",
            dependencies: [
                "Fakes", "Migration",
                .product(name: "FlyingFox", package: "FlyingFox"),
                .product(name: "FlyingSocks", package: "FlyingFox"),
            ],
            swiftSettings: strict
        ),
        // Histories, evidence and the checks of the invariants: they find what is wrong in what has happened.
        .target(
            name: "Invariants",
            dependencies: [
                "Engine", "Migration", "TextProcessing", .product(name: "Crypto", package: "swift-crypto"),
            ],
            swiftSettings: strict
        ),
        // The simulated world: workload, faults, other people, and planted mistakes.
        .target(
            name: "Scenarios",
            dependencies: ["Engine", "Fakes", "Invariants", "Migration", "Simulation", "TextProcessing"],
            swiftSettings: strict
        ),
        // What each program needs of its process: console, questions, signals, exit codes.
        .target(
            name: "Terminal",
            dependencies: [
                "Basics", "Migration", "Settings", .product(name: "ArgumentParser", package: "swift-argument-parser"),
            ],
            swiftSettings: strict
        ),
        // The production program. `migrate demo` runs it with the fakes; simulation and planted bugs are not in it.
        .executableTarget(
            name: "migrate",
            dependencies: [
                "Adapters", "Basics", "Engine", "Fakes", "Migration", "SQLite", "Settings", "Terminal",
                "TextProcessing",
                .product(name: "ArgumentParser", package: "swift-argument-parser"),
                .product(name: "Logging", package: "swift-log"),
            ],
            swiftSettings: strict
        ),
        // The program for testers: simulation, served stand-ins.
        .executableTarget(
            name: "migrate-lab",
            dependencies: [
                "Fakes", "Migration", "Scenarios", "ServedFakes", "Simulation", "Terminal",
                .product(name: "ArgumentParser", package: "swift-argument-parser"),
            ],
            swiftSettings: strict
        ),

        // The rules that each port must keep: one suite, run by the fakes and by every available real server.
        .target(
            name: "Conformance",
            dependencies: ["Fakes", "Invariants", "Migration", "Scenarios", "TextProcessing"],
            path: "Tests/Conformance",
            swiftSettings: strict
        ),
        .testTarget(
            name: "Unit",
            dependencies: [
                "Adapters", "Basics", "Conformance", "Engine", "Fakes", "Invariants", "Migration", "Scenarios",
                "SQLite", "ServedFakes", "Settings", "Simulation", "Terminal", "TextProcessing", "migrate",
                "migrate-lab",
                .product(name: "ArgumentParser", package: "swift-argument-parser"),
            ],
            resources: [.copy("Golden")],
            swiftSettings: strict
        ),
        .testTarget(
            name: "Integration",
            dependencies: [
                "Adapters", "CPostgres", "Conformance", "Fakes", "Invariants", "Migration", "SQLite", "Scenarios",
                "ServedFakes", "Settings", "TextProcessing",
                .product(name: "FlyingFox", package: "FlyingFox"),
                .product(name: "FlyingSocks", package: "FlyingFox"),
                .product(name: "Subprocess", package: "swift-subprocess"),
            ],
            exclude: ["Support/python", "Tracking/Upgrade/sql-1", "Tracking/Upgrade/sql-3"],
            swiftSettings: strict
        ),
    ]
)
