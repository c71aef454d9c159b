import Adapters
import ArgumentParser
import Foundation
import Migration

struct Setup: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Makes the tracking tables and the collection, or shows what is there.",
        discussion: """
            Harmless to repeat: nothing that exists is deleted or changed. The tracking SQL is applied over POSTGRES_URL; without \
            that it is printed for Supabase's SQL editor. Asks before it changes anything.

            EXAMPLES
              migrate setup
              migrate setup --yes                 in scripts
              migrate setup --print-sql > tracking.sql
              migrate setup tokenizer             the tokenizer's vocabulary, once
            """,
        subcommands: [SetupTokenizer.self]
    )

    @Flag(name: .shortAndLong, help: "Ask nothing.")
    var yes = false

    @Flag(name: .long, help: "Only print the tracking SQL.")
    var printSql = false

    @OptionGroup var settings: AllSettings

    func run() async throws {
        let console = Console.standard
        if printSql { return console.out(Wiring.trackingSQL) }
        let wiring = try settings.wiring([.tracking, .qdrant])
        let session = SetupSession(console: console, isSure: yes)
        let schema = CollectionSchema(dimensions: wiring.settings.target.dimensions)
        try await session.collection(wiring.settings.target.collection, in: wiring.points(), schema: schema)
        try await tracking(wiring, session, console)
        if (try? Vocabulary.tokenizer(wiring.settings)) == nil {
            console.out(
                "The tokenizer's vocabulary is missing.\n\nNext: `migrate setup tokenizer`, then `migrate plan`."
            )
        } else {
            console.out("\nNext: `migrate check`, `migrate plan`, `migrate run`.")
        }
    }

    private func tracking(_ wiring: Wiring, _ session: SetupSession, _ console: Console) async throws {
        if let installer = try wiring.installer() {
            try await session.sql(
                version: Wiring.trackingVersion,
                at: installer.server,
                installed: installer.installed,
                apply: installer.apply
            )
        }
        do {
            try await wiring.checkTracking(tries: wiring.settings.postgresURL == nil ? 1 : 10)
            console.out("Tracking store: ready.")
        } catch let failure as PortFailure where failure.kind == .rejected && wiring.settings.postgresURL == nil {
            console.out(Wiring.trackingSQL)
            throw CommandEnd(
                .incomplete,
                "the tracking SQL is not installed: paste the lines above into Supabase's SQL editor, or set POSTGRES_URL; "
                    + "then run `migrate setup` again"
            )
        }
    }
}

struct SetupTokenizer: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "tokenizer",
        abstract: "Fetches the tokenizer's vocabulary, or takes a copy, and keeps it for all runs.",
        discussion: """
            1.7 MB from OpenAI's public address, its SHA-256 checked; kept in ${XDG_CACHE_HOME:-~/.cache}/migrate.

            EXAMPLES
              migrate setup tokenizer
              migrate setup tokenizer --from cl100k_base.tiktoken     without the internet
            """
    )

    @Option(name: .long, help: "A copy of cl100k_base.tiktoken; by default it is fetched.")
    var from: String?

    @Option(name: .long, help: "Certificates (PEM) for https:// in place of the system's.")
    var httpCaBundle: String?

    func run() async throws {
        let lookup = VocabularyLookup(named: nil, environment: ProcessInfo.processInfo.environment)
        let data: Data
        if let from {
            guard let content = FileManager.default.contents(atPath: from) else {
                throw CommandEnd(.usage, "\(from) cannot be read")
            }
            data = content
        } else {
            data = try await Wiring.fetch(VocabularyLookup.publicAddress, authorities: httpCaBundle)
        }
        let path = try Vocabulary.store(data, from: from ?? VocabularyLookup.publicAddress, lookup: lookup)
        Console.standard.out("The tokenizer's vocabulary is kept in \(path).")
    }
}
