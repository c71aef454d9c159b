import Fakes
import Migration
import Simulation

/// The source table of a run: ids and texts that have caused trouble before.
struct Workload {
    /// Marks a text that the embedder refuses.
    static let refusedWord = "forbidden"
    /// Marks a text that kills the process that embeds it.
    static let killingWord = "lethal"

    /// What stands between two words; `RecordContract` states a second time what becomes of it.
    static let separators = [
        "  ", "\t", "\u{3000}", "\u{A0}", "&nbsp;", "\r\n", "\n\n\n\n", " \n", " &amp; ", " &amp;amp; ", "-\n",
        "\u{200B}",
        " \u{FB01} ",
    ]

    /// Why a record can never be processed: a text, a child or a parent point, a row, or a point that the collection
    /// refuses.
    enum Defect: Sendable, Equatable {
        case text(Trouble)
        case child(Trouble)
        case parent(Trouble)
        case row
        case refused(PointKind)
    }

    var rows: [SourceRecord] = []
    var defects: [RecordID: Defect] = [:]

    init(_ plan: FaultPlan, _ random: inout SimRandom) {
        let starts: [RecordID] = [-60, 0, 1 << 53 - 100, .max - 8 * RecordID(plan.batches * plan.batchSize) - 8]
        var id = starts[random.below(starts.count)]
        let count = plan.batches * plan.batchSize - random.below(plan.batchSize)
        let killing = plan.has(.killers) ? random.below(count) : nil
        rows.reserveCapacity(count)
        for number in 0..<count {
            id += 1 + RecordID(random.below(6))
            let isLong = random.chance(plan.longShare)
            rows.append(Self.row(id, &random, word: number == killing ? Self.killingWord : nil, isLong: isLong))
        }
        if plan.has(.suspects) { drawDefects(plan, &random) }
        if plan.has(.refusedPoints) { drawRefusedPoints(plan, &random) }
        if plan.repeatShare > 0 { repeatTexts(plan.repeatShare, &random) }
        // The whole table is drawn before it is cut, so that the seed draws the same afterwards.
        if let wished = plan.batchesWished { rows = Array(rows.prefix(wished * plan.batchSize)) }
    }

    /// Gives rows the texts of rows that are near, as texts that many records have often are.
    private mutating func repeatTexts(_ share: Double, _ random: inout SimRandom) {
        for place in rows.indices.dropFirst() where random.chance(share) {
            let other = place - 1 - random.below(min(place, 6))
            guard isRepeatable(rows[place]), isRepeatable(rows[other]) else { continue }
            let row = rows[place]
            rows[place] = SourceRecord(id: row.id, memberCode: row.memberCode, content: rows[other].content)
        }
    }

    private func isRepeatable(_ row: SourceRecord) -> Bool { Self.canHaveDefect(row) && defects[row.id] == nil }

    private mutating func drawDefects(_ plan: FaultPlan, _ random: inout SimRandom) {
        for _ in 0..<1 + random.below(plan.suspectsMax) {
            let row = anyRow(plan, &random)
            let trouble = Trouble.allCases[random.below(Trouble.allCases.count)]
            let kinds: [Defect] = [.text(trouble), .text(trouble), .child(trouble), .parent(trouble), .row]
            let defect = kinds[random.below(kinds.count)]
            if Self.canHaveDefect(row) { defects[row.id] = defect }
        }
    }

    private mutating func drawRefusedPoints(_ plan: FaultPlan, _ random: inout SimRandom) {
        for _ in 0..<2 + random.below(4) {
            let row = anyRow(plan, &random)
            let kind = random.chance(0.3) ? PointKind.parent : .child
            if Self.canHaveDefect(row) { defects[row.id] = .refused(kind) }
        }
    }

    /// Any row, also of a small table, so that a shortened run still has some.
    private func anyRow(_ plan: FaultPlan, _ random: inout SimRandom) -> SourceRecord {
        let count = min(rows.count, plan.batchesWished.map { $0 * plan.batchSize } ?? rows.count)
        return rows[random.below(count)]
    }

    private static func canHaveDefect(_ row: SourceRecord) -> Bool {
        guard case .text(let text) = row.content, row.memberCode != nil else { return false }
        return isOrdinary(text) && text.contains("w")
    }

    /// A row of some kind; it shares no chunk with another row, unless `repeatTexts` gives it another row's text.
    static func row(_ id: RecordID, _ random: inout SimRandom, word: String? = nil, isLong: Bool = false)
        -> SourceRecord
    {
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
        let isShort = kind < 92 && !isLong
        let text = text(id, &random, length: isShort ? 2 + random.below(4) : 2 + random.below(30), marked: marked)
        return SourceRecord(id: id, memberCode: member, content: .text(text))
    }

    /// Whether every service accepts the text and no process dies of it.
    static func isOrdinary(_ text: String) -> Bool {
        !text.isEmpty && !text.hasPrefix(refusedWord) && !text.hasPrefix(killingWord)
    }

    /// A text that no other row has, and that this row has not had before.
    static func text(_ id: RecordID, _ random: inout SimRandom, length: Int = 12, marked: String? = nil) -> String {
        let version = random.next() % 1_000_000
        // A text that ends in a digit may be a page number and takes a longer path; like most real texts, most of these
        // do not.
        let end = "v\(version)r\(id)x"
        var words = (0..<length).map { "w\($0)" + end }
        if let marked { words.insert("\(marked)\(id)", at: 0) }
        // Most texts have plain spaces.
        guard random.chance(0.3) else { return words.joined(separator: " ") }
        var text = words[0]
        for word in words.dropFirst() {
            text += (random.chance(0.3) ? separators[random.below(separators.count)] : " ") + word
        }
        return random.chance(0.2) ? text + " \n" : text
    }
}
