import Foundation
import TextProcessing

// This package's speed on one thread over text files, for scripts/support/bench-side-by-side.py, which measures other
// tools over the same files:
//
//   SideBySide VOCABULARY FILE…            one line `what file number` for each: megabytes per second, or records per second
//   SideBySide VOCABULARY FILE --records N   only makes the points of N records, for counting allocations
//   SideBySide VOCABULARY FILE --linearity   the speed of each step by the size of a text; fails where it is not linear

/// Prints how much is done per second of processor time.
func measure(_ what: String, _ file: String, of amount: Double, _ body: () -> Void) {
    print("\(what) \(file) \(amount / fastest(runsMin: 3, secondsMin: 1, body))")
}

/// Records of about 2 kB: a few paragraphs each.
func records(of paragraphs: [String]) -> [String] {
    var records = [""]
    for paragraph in paragraphs {
        if records[records.count - 1].utf8.count >= 2_000 { records.append("") }
        records[records.count - 1] += paragraph + "\n\n"
    }
    return records
}

/// From a record to its points, but for the dense vectors; the number of points.
func points(_ record: String, _ id: Int64) -> Int {
    let text = normaliser.normalise(record)
    var points = normaliser.checksum(ofNormalised: text).isEmpty ? 0 : 1
    for (index, parent) in chunker.parents(of: text).enumerated() {
        points += identity.parentID(memberCode: "member", recordID: id, parent: index).description.isEmpty ? 0 : 1
        for (chunk, child) in parent.children.enumerated() {
            let id = identity.childID(memberCode: "member", recordID: id, parent: index, chunk: chunk)
            points += id.description.isEmpty || encoder.document(child.text(in: text)).indices.isEmpty ? 0 : 1
        }
    }
    return points
}

let arguments = CommandLine.arguments.dropFirst()
guard let vocabulary = arguments.first else { exit(64) }
let tokenizer = try Tokenizer(vocabulary: [UInt8](Data(contentsOf: URL(filePath: vocabulary))))
let chunker = Chunker(counter: tokenizer)
let encoder = try SparseEncoder()
let normaliser = Normaliser()
let identity = PointIdentity(namespace: "migrate")
var seen = 0

if arguments.count == 4, arguments.dropFirst(2).first == "--records", let file = arguments.dropFirst().first,
    let count = arguments.last.flatMap(Int.init)
{
    let all = records(of: try String(contentsOfFile: file, encoding: .utf8).split(separator: "\n\n").map(String.init))
    for number in 0..<count { seen += points(all[number % all.count], Int64(number)) }
    exit(seen > 0 ? 0 : 1)
}

if arguments.count == 3, arguments.last == "--linearity", let file = arguments.dropFirst().first {
    let linearity = Linearity(steps: [
        ("normalise", { seen += normaliser.normalise($0).utf8.count }),
        ("tokens", { seen += tokenizer.encode($0).count }),
        ("chunks", { seen += chunker.parents(of: $0).count }),
        ("sparse", { seen += encoder.document($0).indices.count }),
    ])
    exit(linearity.check(sample: try String(contentsOfFile: file, encoding: .utf8)) ? 0 : 1)
}

for file in arguments.dropFirst() {
    let text = try String(contentsOfFile: file, encoding: .utf8)
    let paragraphs = text.split(separator: "\n\n").map(String.init)
    let megabytes = Double(text.utf8.count) / 1_000_000
    // What is counted in `seen` cannot be optimised away.
    measure("tokens", file, of: megabytes) { seen += tokenizer.encode(text).count }
    measure("chunks", file, of: megabytes) { seen += chunker.parents(of: text).count }
    measure("sparse", file, of: megabytes) {
        for paragraph in paragraphs { seen += encoder.document(paragraph).indices.count }
    }
    let records = records(of: paragraphs)
    measure("records", file, of: Double(records.count)) {
        for (number, record) in records.enumerated() { seen += points(record, Int64(number)) }
    }
}
precondition(seen > 0)
