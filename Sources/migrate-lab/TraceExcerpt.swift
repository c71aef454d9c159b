import Foundation
import Terminal

/// The useful part of a long trace: its end, and the earlier lines with the same names as the finding.
enum TraceExcerpt {
    /// A trace with up to this many lines is shown in full.
    static let linesMax = 80
    /// The number of last events that are always shown.
    static let tail = 40

    static func lines(of trace: [String], finding: String) -> [String] {
        guard trace.count > linesMax else { return trace }
        let names = names(in: finding)
        let end = trace.count - tail
        let related = trace.indices.prefix(end).filter { index in names.contains { isNamed($0, in: trace[index]) } }
        var lines: [String] = []
        var shown = 0
        for index in related.suffix(linesMax - tail) + Array(end..<trace.count) {
            if index > shown { lines.append("  … \(Format.plural(Int64(index - shown), "event")) left out") }
            lines.append(trace[index])
            shown = index + 1
        }
        return lines
    }

    /// The batches, records and processes that a sentence names: `batch 17`, `record -3`, `run0.4`.
    static func names(in finding: String) -> [String] {
        finding.matches(of: /\b(?:batch|record) -?[0-9]+|\b(?:run|worker|stranger)[0-9]+\.[0-9]+/).map {
            String($0.output)
        }
    }

    /// Whether a line contains a name as a whole word: `batch 1` is not in `batch 17`.
    private static func isNamed(_ name: String, in line: String) -> Bool {
        line.ranges(of: name).contains { range in
            !line[range.upperBound...].prefix(1).contains { $0.isNumber }
                && !line[..<range.lowerBound].suffix(1).contains { $0.isLetter }
        }
    }
}
