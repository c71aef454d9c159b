import ArgumentParser
import Foundation
import Migration
import Settings

struct Setup: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Makes the tracking tables and the collection, or shows what is there.",
        discussion: """
            Harmless to repeat: nothing that exists is deleted or changed. The tracking SQL is applied over POSTGRES_URL; without \
            that it is printed for Supabase's SQL editor. Asks before it changes anything.

            Tables and functions that an earlier plan has made under the same names are recognised before anything is changed. \
            --rename-older-tables keeps them under names that end in _old.

            EXAMPLES
              migrate setup
              migrate setup --yes                 in scripts
              migrate setup --yes --json          one object; the prose on standard error
              migrate setup --print-sql > tracking.sql
              migrate setup --rename-older-tables
              migrate setup tokenizer             the tokenizer's vocabulary, once
            """,
        subcommands: [SetupTokenizer.self]
    )

    @Flag(name: .shortAndLong, help: "Answer yes to every question.")
    var yes = false

    @Flag(name: .long, help: "Only print the tracking SQL.")
    var printSql = false

    @Flag(
        name: .long,
        help: "Give older tables and functions of the same names, their indexes and sequences the suffix _old."
    )
    var renameOlderTables = false

    @OptionGroup var settings: AllSettings

    func run() async throws {
        if printSql { return Console.standard.out(Wiring.trackingSQL(renamesOlder: renameOlderTables)) }
        let console = settings.common.json ? Console.standard.aside : Console.standard
        let wiring = try settings.wiring([.tracking, .qdrant])
        let session = SetupSession(console: console, isSure: yes)
        let schema = CollectionSchema(dimensions: wiring.settings.target.dimensions)
        let installer = try wiring.installer()
        var renamed: [String] = []
        if let installer {
            renamed = try await session.older(
                installer.older(),
                at: installer.server,
                renames: renameOlderTables
            )
        }
        let collection = try await session.collection(
            wiring.settings.target.collection,
            in: wiring.points(),
            schema: schema
        )
        let version = try await tracking(wiring, installer, session, console, after: collection)
        let hasVocabulary = (try? Vocabulary.tokenizer(wiring.settings)) != nil
        console.out(
            hasVocabulary
                ? "\nNext: `migrate check`, `migrate plan`, `migrate run`."
                : "The tokenizer's vocabulary is missing.\n\nNext: `migrate setup tokenizer`, then `migrate plan`."
        )
        if settings.common.json {
            let report = SetupReport(
                collection: collection,
                trackingVersion: version,
                renamed: renamed,
                hasVocabulary: hasVocabulary
            )
            Console.standard.out(try JSONText.of(report))
        }
    }

    /// Installs the tracking SQL where that is possible, and answers the version that is there.
    private func tracking(
        _ wiring: Wiring,
        _ installer: Wiring.Installer?,
        _ session: SetupSession,
        _ console: Console,
        after collection: SetupReport.Collection
    ) async throws -> Int {
        if let installer {
            let renames = renameOlderTables
            try await session.sql(
                version: Wiring.trackingVersion,
                at: installer.server,
                after: collection,
                installed: installer.installed,
                apply: { () async throws(PortFailure) in try await installer.apply(renamesOlder: renames) }
            )
        }
        do {
            let version = try await wiring.checkTracking(tries: wiring.settings.postgresURL == nil ? 1 : 10)
            console.out("Tracking store: ready.")
            return version
        } catch let failure as PortFailure where failure.kind == .rejected && wiring.settings.postgresURL == nil {
            console.out(Wiring.trackingSQL(renamesOlder: renameOlderTables))
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
            1.7 MB from OpenAI's public address, its SHA-256 checked; kept in ${XDG_CACHE_HOME:-~/.cache}/migrate. Where it is \
            kept already, nothing is fetched.

            With the flags of `migrate setup`: --json, --http-ca-bundle, --allow-plaintext.

            EXAMPLES
              migrate setup tokenizer
              migrate setup tokenizer --from cl100k_base.tiktoken   without internet
              migrate setup tokenizer --from https://mirror.example/cl100k
            """
    )

    @Option(name: .long, help: "A copy of cl100k_base.tiktoken: a file, or an http(s) address.")
    var from = VocabularyLookup.publicAddress

    /// Takes the flags they share: a flag of both would be the parent's alone.
    @ParentCommand var setup: Setup

    func run() async throws {
        let lookup = VocabularyLookup(named: nil, environment: ProcessInfo.processInfo.environment)
        let kept = try Vocabulary.kept(lookup)
        let path = if let kept { kept } else { try Vocabulary.store(await content(), from: from, lookup: lookup) }
        let report = Report(path: path, isNew: kept == nil)
        Console.standard.out(setup.settings.common.json ? try JSONText.of(report) : report.text)
    }

    private func content() async throws -> Data {
        if from.contains("://") { return try await setup.settings.wiring([]).fetch(from) }
        guard let content = FileManager.default.contents(atPath: from) else {
            throw CommandEnd(.usage, "\(from) cannot be read")
        }
        return content
    }

    struct Report: Encodable {
        let path: String
        /// Whether it was kept just now.
        let isNew: Bool

        var text: String {
            isNew
                ? "The tokenizer's vocabulary is kept in \(path)."
                : "The tokenizer's vocabulary is kept in \(path) already."
        }
    }
}
