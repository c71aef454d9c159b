import ArgumentParser
import Migration
import Terminal

struct StatusCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "status",
        abstract: "Shows how far a job is.",
        discussion: """
            Exit code 1 when the job is over and some of its records or batches failed, or when it was cancelled.

            EXAMPLES
              migrate status
              migrate status --watch              until the job is over
              migrate status --job 7 --json
            """
    )

    @OptionGroup var which: JobOption

    @Flag(name: .long, help: "Show it again every few seconds until the job is over.")
    var watch = false

    @OptionGroup var settings: TrackingSettings

    func run() async throws {
        let wiring = try settings.wiring()
        let session = StatusSession(
            store: try await wiring.store(),
            lookup: wiring.lookup,
            console: .standard,
            isJSON: settings.common.json,
            storeSentence: wiring.storeSentence
        )
        try await session.show(which.job, watches: watch)
    }
}

struct JobsCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "jobs",
        abstract: "Lists all jobs, newest first.",
        discussion: """
            With --json one job per line.

            EXAMPLES
              migrate jobs
              migrate jobs --open --json
            """
    )

    @Flag(name: .long, help: "Only jobs that are not over.")
    var open = false

    @Option(name: .long, help: "At most this many.")
    var limit = 20

    @OptionGroup var settings: TrackingSettings

    func validate() throws {
        guard (1...1_000).contains(limit) else { throw ValidationError("--limit must be from 1 to 1000") }
    }

    func run() async throws {
        let session = JobsSession(
            store: try await settings.wiring().store(),
            console: .standard,
            isJSON: settings.common.json
        )
        try await session.show(onlyOpen: open, limit: limit)
    }
}
