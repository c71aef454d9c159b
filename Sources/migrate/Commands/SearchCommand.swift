import ArgumentParser
import Migration
import Settings
import Terminal
import TextProcessing

struct SearchCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "search",
        abstract: "Searches the collection: a dense and a sparse search, combined.",
        discussion: """
            Embeds the question (a few tokens), and shows what was migrated.

            EXAMPLES
              migrate search "how do I return a parcel"
              migrate search "cranes at sunrise" --member M001 --limit 3 --json
            """
    )

    @Argument(help: "The question.")
    var question: String

    @Option(name: .long, help: "Only this tenant's texts.")
    var member: String?

    @Option(name: .long, help: "Number of answers to show.")
    var limit = 5

    @OptionGroup var settings: AllSettings

    func validate() throws {
        guard (1...100).contains(limit) else { throw ValidationError("--limit must be from 1 to 100") }
        if question.allSatisfy(\.isWhitespace) { throw ValidationError("the question must not be blank") }
    }

    func run() async throws {
        let wiring = try settings.wiring([.openai, .qdrant])
        let session = SearchSession(
            embedder: try wiring.embedder(),
            points: try wiring.points(),
            encoder: try SparseEncoder(try SparseParameters(wiring.settings.text))
        )
        let report = SearchReport(try await session.ask(question, member: member, limit: limit))
        Console.standard.out(settings.common.json ? try JSONText.of(report) : report.text)
    }
}
