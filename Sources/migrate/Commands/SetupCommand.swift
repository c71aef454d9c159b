import ArgumentParser
import Settings
import Terminal

struct SetupCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "setup",
        abstract: "Creates the tracking tables and the collection, or shows what exists.",
        discussion: """
            Harmless to repeat: nothing that exists is deleted or changed. The tracking SQL is applied over \
            POSTGRES_URL; if that is not set, it is printed for Supabase's SQL editor. With TRACKING=sqlite the file \
            is made, and there is nothing to install. Asks before it changes anything.

            Tables and functions of another program with the same names are recognised before anything is changed. \
            --rename-older-tables keeps them under names that end in _old.

            EXAMPLES
              migrate setup
              migrate setup --yes                 in scripts
              migrate setup --yes --json          one object; the prose on standard error
              migrate setup --print-sql > tracking.sql
              migrate setup --rename-older-tables
              migrate setup tokenizer             the tokenizer's vocabulary, once
            """,
        subcommands: [Tokenizer.self]
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
        let session = SetupSession(
            console: settings.common.json ? Console.standard.aside : Console.standard,
            isSure: yes
        )
        let report = try await session.run(settings.wiring([.tracking, .qdrant]), renamesOlder: renameOlderTables)
        if settings.common.json { Console.standard.out(try JSONText.of(report)) }
    }
}

extension SetupCommand {
    struct Tokenizer: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Fetches the tokenizer's vocabulary, or takes a copy, and keeps it for all runs.",
            discussion: """
                1.7 MB from OpenAI's public address, its SHA-256 checked; kept in ${XDG_CACHE_HOME:-~/.cache}/migrate. \
                If it is there already, nothing is fetched.

                Takes these flags of `migrate setup`: --json, --http-ca-bundle, --allow-plaintext.

                EXAMPLES
                  migrate setup tokenizer
                  migrate setup tokenizer --from cl100k_base.tiktoken   without internet
                  migrate setup tokenizer --from https://mirror.example/cl100k
                """
        )

        @Option(name: .long, help: "A copy of cl100k_base.tiktoken: a file, or an http(s) address.")
        var from = VocabularyLookup.publicAddress

        /// Takes the shared flags: a flag that both define would reach only the parent.
        @ParentCommand var setup: SetupCommand

        func run() async throws {
            let session = TokenizerSession(fetch: { try await setup.settings.wiring([]).fetch($0) })
            let report = try await session.run(from: from)
            Console.standard.out(setup.settings.common.json ? try JSONText.of(report) : report.text)
        }
    }
}
