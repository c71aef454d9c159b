import ArgumentParser
import Migration
import Terminal

struct QuotaCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "quota",
        abstract: "Shows the minute quotas that runners share, and why runners wait.",
        discussion: """
            One line per host, model, organisation and key (a digest of it). RESERVED is the time until all that is \
            reserved has been sent; PAUSE is the wait that the server asked for. Both are ten minutes at most, and \
            `migrate run` ends waits of more than two minutes. STOPPED says why no requests are sent.

            EXAMPLES
              migrate quota
              migrate quota --json
              migrate quota reset            if a limit was wrong
            """,
        subcommands: [Reset.self]
    )

    @OptionGroup var settings: TrackingSettings

    func run() async throws {
        let session = QuotaSession(
            store: try await settings.wiring().store(),
            console: .standard,
            isJSON: settings.common.json
        )
        try await session.show()
    }
}

extension QuotaCommand {
    struct Reset: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Forgets a quota: its limits, pause, reservations and stop.",
            discussion: """
                Asks first. Runners report their limits again when they start, and whenever an answer states lower \
                limits; until then only the server's own refusals slow them down.

                EXAMPLES
                  migrate quota reset --yes
                  migrate quota reset api.openai.com/text-embedding-3-small/-/1f3a
                """
        )

        @Argument(help: "The quota's name or the beginning of it; not needed if there is only one.")
        var name: String?

        @Flag(name: .shortAndLong, help: "Answer yes to every question.")
        var yes = false

        @OptionGroup var settings: TrackingSettings

        func run() async throws {
            let session = QuotaSession(
                store: try await settings.wiring().store(),
                console: .standard,
                isJSON: settings.common.json
            )
            try await session.reset(name, isSure: yes)
        }
    }
}
