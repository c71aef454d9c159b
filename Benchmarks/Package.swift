// swift-tools-version: 6.1
import PackageDescription

// A package of its own, so that a normal build does not include the benchmark tools.
let package = Package(
    name: "benchmarks",
    dependencies: [
        .package(name: "migrate", path: ".."),
        .package(url: "https://github.com/ordo-one/benchmark", exact: "1.38.1", traits: []),
    ],
    targets: [
        .executableTarget(
            name: "TextProcessingBenchmarks",
            dependencies: [
                .product(name: "Benchmark", package: "benchmark"),
                .product(name: "TextProcessing", package: "migrate"),
            ],
            path: "Benchmarks/TextProcessing",
            plugins: [.plugin(name: "BenchmarkPlugin", package: "benchmark")]
        ),
        // Not under `Benchmarks`, whose every target the benchmark tool runs as one of its own.
        .executableTarget(
            name: "SideBySide",
            dependencies: [.product(name: "TextProcessing", package: "migrate")],
            path: "Tools/SideBySide"
        ),
    ]
)
