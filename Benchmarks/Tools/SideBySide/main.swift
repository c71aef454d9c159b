import Foundation
import TextProcessing

// Megabytes a second of this package on one thread over text files, for scripts/bench-side-by-side.py, which measures
// other tools over the same files: `SideBySide VOCABULARY FILE…` prints one line `what file speed` each.

/// Runs for about a second, at least three times, and prints the best.
func measure(_ what: String, _ file: String, bytes: Int, _ body: () -> Void) {
    let clock = ContinuousClock()
    let start = clock.now
    var best = Duration.seconds(1_000_000)
    var runs = 0
    while runs < 3 || clock.now - start < .seconds(1) {
        best = min(best, clock.measure(body))
        runs += 1
    }
    print("\(what) \(file) \(Double(bytes) / 1_000_000 / (best / .seconds(1)))")
}

let arguments = CommandLine.arguments.dropFirst()
guard let vocabulary = arguments.first else { exit(64) }
let tokenizer = try Tokenizer(vocabulary: [UInt8](Data(contentsOf: URL(filePath: vocabulary))))
let chunker = Chunker(counter: tokenizer)
let encoder = try SparseEncoder()
var seen = 0
for file in arguments.dropFirst() {
    let text = try String(contentsOfFile: file, encoding: .utf8)
    let paragraphs = text.split(separator: "\n\n").map(String.init)
    let bytes = text.utf8.count
    // What is counted in `seen` cannot be optimised away.
    measure("tokens", file, bytes: bytes) { seen += tokenizer.encode(text).count }
    measure("chunks", file, bytes: bytes) { seen += chunker.parents(of: text).count }
    measure("sparse", file, bytes: bytes) {
        for paragraph in paragraphs { seen += encoder.document(paragraph).indices.count }
    }
}
precondition(seen > 0)
