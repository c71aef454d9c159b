import Migration
import Terminal

/// The answer of `migrate search`; it contains text, because its reader asked for it.
struct SearchReport: Encodable {
    struct Item: Encodable {
        let id: String
        let score: Double
        let summaryId: RecordID
        let memberCode: String
        let text: String
    }

    let results: [Item]

    init(_ points: [ScoredPoint]) {
        results = points.map {
            Item(id: "\($0.id)", score: $0.score, summaryId: $0.recordID, memberCode: $0.memberCode, text: $0.text)
        }
    }

    var text: String {
        guard !results.isEmpty else { return "Nothing was found." }
        return results.enumerated().map { place, item in
            let line = item.text.split(whereSeparator: \.isWhitespace).joined(separator: " ")
            let short = line.count > 160 ? line.prefix(159) + "…" : line[...]
            return
                "\(place + 1). \(Format.decimal(item.score, 3))  record \(item.summaryId) (\(item.memberCode))\n   \(short)"
        }.joined(separator: "\n")
    }
}
