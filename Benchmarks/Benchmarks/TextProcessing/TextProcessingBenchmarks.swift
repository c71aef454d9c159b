import Benchmark
import Foundation
import TextProcessing

/// Megabytes per second of each step that a text goes through; every iteration is one megabyte.
let benchmarks: @Sendable () -> Void = {
    Benchmark.defaultConfiguration = .init(metrics: [.wallClock, .throughput], maxDuration: .seconds(3))

    for language in Samples.languages {
        let text = Samples.megabyte(language)

        Benchmark("normalise 1 MB, \(language)") { benchmark in
            let normaliser = Normaliser()
            benchmark.startMeasurement()
            blackHole(normaliser.normalise(text))
        }
        Benchmark("chunk 1 MB with exact token counts, \(language)") { benchmark in
            let chunker = Chunker(counter: try tokenizer.get())
            benchmark.startMeasurement()
            blackHole(chunker.parents(of: text))
        }
        Benchmark("sparse vector of 1 MB, \(language)") { benchmark in
            let encoder = try SparseEncoder()
            benchmark.startMeasurement()
            blackHole(encoder.document(text))
        }
    }
}

/// `scripts/bench` sets the variable.
private let tokenizer = Result {
    let path = ProcessInfo.processInfo.environment["TOKENIZER_VOCABULARY"] ?? "cl100k_base.tiktoken"
    return try Tokenizer(vocabulary: [UInt8](Data(contentsOf: URL(filePath: path))))
}
