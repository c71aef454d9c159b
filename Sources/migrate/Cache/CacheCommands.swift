import ArgumentParser
import Settings
import Terminal

struct CacheCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "cache",
        abstract: "Looks after the embedding cache: how large it is, what is old, whether it is whole.",
        discussion: """
            With EMBEDDING_CACHE=path in the settings, every vector that was paid for is kept in that file, by a hash of \
            its text. A text that was embedded before, in this job or another, is then not paid for again. The file \
            holds no text, but vectors tell something about their texts: only you may read it.

            EXAMPLES
              migrate cache stats
              migrate cache prune --older-than 26w
              migrate cache verify
            """,
        subcommands: [Stats.self, Prune.self, Verify.self]
    )
}

/// The cache file and how to print: the options of all three commands.
struct CacheOptions: ParsableArguments {
    @OptionGroup var common: CommonOptions
    @OptionGroup(title: "General") var general: SettingFlags<GeneralGroup>

    /// The session with the file of EMBEDDING_CACHE.
    func session() throws -> CacheSession {
        let settings = try Settings(common.input([general]), needs: [], checks: Wiring.checks)
        let wiring = Wiring(settings, allowsPlaintext: common.allowPlaintext)
        let file = try wiring.cacheFile()
        return CacheSession(keeper: file.keeper, path: file.path, console: .standard, isJSON: common.json)
    }
}

extension CacheCommand {
    struct Stats: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Shows what the cache holds, by provider, model and dimensions.",
            discussion: """
                The first line says what one vector takes in the file, with its key and its part of the pages. Vectors of a model that you do not use any \
                more are of no use: they are old some day, and `migrate cache prune` deletes them.

                EXAMPLES
                  migrate cache stats
                  migrate cache stats --json
                """
        )

        @OptionGroup var options: CacheOptions

        func run() async throws { try await options.session().stats() }
    }

    struct Prune: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Deletes old vectors, and gives their room back to the disk.",
            discussion: """
                Covers vectors of every model. Asks first, and says how many are deleted; without an answer nothing is. \
                Their texts are paid for again when they are embedded the next time. Runs may go on meanwhile.

                EXAMPLES
                  migrate cache prune --older-than 26w
                  migrate cache prune --older-than 30d --yes --json    in scripts
                """
        )

        @Option(name: .long, help: "Minimum age of a vector: a number and s, m, h, d or w.")
        var olderThan: Age

        @Flag(name: .shortAndLong, help: "Answer yes to every question.")
        var yes = false

        @OptionGroup var options: CacheOptions

        func run() async throws { try await options.session().prune(olderThan, isSure: yes) }
    }

    struct Verify: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Reads the whole cache and compares every checksum.",
            discussion: """
                Exit code 1 when something is damaged. A run never uses a damaged vector: it embeds the text again and \
                replaces it. If pages are damaged, delete the file: it only saves money.

                EXAMPLES
                  migrate cache verify
                  migrate cache verify --json
                """
        )

        @OptionGroup var options: CacheOptions

        func run() async throws { try await options.session().verify() }
    }
}
