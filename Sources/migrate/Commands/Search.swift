import ArgumentParser
import Migration
import Settings
import TextProcessing

struct Search: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Asks the collection one question: dense and sparse search, joined.",
        discussion: """
            Embeds the question (a few tokens), so that people can see what was migrated.

            EXAMPLES
              migrate search "how do I return a parcel"
              migrate search "cranes at sunrise" --member M001 --limit 3 --json
            """
    )

    @Argument(help: "The question.")
    var question: String

    @Option(name: .long, help: "Only this tenant's texts.")
    var member: String?

    @Option(name: .long, help: "Answers to show.")
    var limit = 5

    @OptionGroup var settings: AllSettings

    func validate() throws {
        guard (1...100).contains(limit) else { throw ValidationError("--limit must be from 1 to 100") }
        if question.allSatisfy(\.isWhitespace) { throw ValidationError("the question must not be blank") }
    }

    func run() async throws {
        let wiring = try settings.wiring([.openai, .qdrant])
        let search = HybridSearch(
            embedder: try wiring.embedder(),
            points: try wiring.points(),
            encoder: try SparseEncoder(try SparseParameters(wiring.settings.text))
        )
        let found = try await search.ask(question, member: member, limit: limit)
        Console.standard.out(settings.common.json ? try JSONText.of(SearchReport(found)) : SearchReport(found).text)
    }
}

/// One question to the collection.
struct HybridSearch: Sendable {
    let embedder: any Embedder
    let points: any PointStore
    let encoder: SparseEncoder

    func ask(_ question: String, member: String?, limit: Int) async throws -> [ScoredPoint] {
        let answer = try await patiently { () async throws(PortFailure) in try await embedder.embed([question]) }
        let query = HybridQuery(
            dense: answer.vectors[0],
            sparse: encoder.query(question),
            memberCode: member,
            limit: limit
        )
        return try await patiently { () async throws(PortFailure) in try await points.search(query) }
    }
}

/// The answer of `migrate search`; shows text, because its reader asked for it.
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
            Item(id: "\($0.id)", score: $0.score, summaryId: $0.summaryID, memberCode: $0.memberCode, text: $0.text)
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
