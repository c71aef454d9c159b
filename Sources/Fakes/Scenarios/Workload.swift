import Migration
import Simulation

/// The source table of a run: ids and texts that have hurt somebody before.
struct Workload {
    /// In a text that the embedder refuses.
    static let refusedWord = "forbidden"
    /// In a text that kills the process that asks for its vector.
    static let killingWord = "lethal"

    var rows: [SourceRecord] = []

    init(_ plan: FaultPlan, _ random: inout SimRandom) {
        let starts: [RecordID] = [-60, 0, 1 << 53 - 100, .max - 8 * RecordID(plan.batches * plan.batchSize) - 8]
        var id = starts[random.below(starts.count)]
        let count = plan.batches * plan.batchSize - random.below(plan.batchSize)
        let killing = plan.has(.killers) ? random.below(count) : nil
        rows.reserveCapacity(count)
        for number in 0..<count {
            id += 1 + RecordID(random.below(6))
            rows.append(Self.row(id, &random, word: number == killing ? Self.killingWord : nil))
        }
        // Drawn as a whole, so that the seed draws the same after it.
        if let wished = plan.batchesWished { rows = Array(rows.prefix(wished * plan.batchSize)) }
    }

    /// A row of some kind; every chunk of its text is its own.
    static func row(_ id: RecordID, _ random: inout SimRandom, word: String? = nil) -> SourceRecord {
        let kind = random.below(100)
        if word == nil, kind < 6 {
            return SourceRecord(
                id: id,
                memberCode: "m",
                content: kind < 2 ? .null : .text(kind < 4 ? "" : " \n\u{3000}")
            )
        }
        let member = word == nil && kind == 6 ? nil : "m\(id % 3)"
        let marked = word ?? (kind == 7 ? refusedWord : nil)
        let text = text(id, &random, length: kind < 92 ? 2 + random.below(4) : 2 + random.below(30), marked: marked)
        return SourceRecord(id: id, memberCode: member, content: .text(text))
    }

    /// A text that no other row has, nor this one at another time.
    static func text(_ id: RecordID, _ random: inout SimRandom, length: Int = 12, marked: String? = nil) -> String {
        let version = random.next() % 1_000_000
        var words = (0..<length).map { "w\($0)v\(version)r\(id)" }
        if let marked { words.insert("\(marked)\(id)", at: 0) }
        return words.joined(separator: " ")
    }
}
