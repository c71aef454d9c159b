import ArgumentParser
import Migration
import Terminal

struct PauseCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "pause",
        abstract: "Stops handing out batches until `migrate resume`.",
        discussion: """
            Batches in flight are finished; runners stay and wait.

            EXAMPLES
              migrate pause --reason "quota for the night shift"
            """
    )

    @OptionGroup var options: ControlOptions

    func run() async throws { try await options.apply(.pause) }
}

struct ResumeCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "resume",
        abstract: "Hands out the batches of a paused job again.",
        discussion: """
            Waiting runners go on by themselves; if there are none, start one with `migrate run`.

            EXAMPLES
              migrate resume
            """
    )

    @OptionGroup var options: ControlOptions

    func run() async throws { try await options.apply(.resume) }
}

struct CancelCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "cancel",
        abstract: "Ends a job for good; what it has written stays.",
        discussion: """
            Asks first, and says how far the job is and how many workers are alive. A later `migrate run` plans a new \
            job and does not pay again for points that exist.

            EXAMPLES
              migrate cancel --job 7 --reason "wrong table" --yes
            """
    )

    @Flag(name: .shortAndLong, help: "Answer yes to every question.")
    var yes = false

    @OptionGroup var options: ControlOptions

    func run() async throws { try await options.apply(.cancel, asks: !yes) }
}

struct ControlOptions: ParsableArguments {
    @OptionGroup var settings: TrackingSettings
    @OptionGroup var which: JobOption

    @Option(name: .long, help: "The reason; stored with the job.")
    var reason: String?

    func apply(_ action: ControlIngestionJob.Action, asks: Bool = false) async throws {
        let wiring = try settings.wiring()
        let session = ControlSession(
            store: try await wiring.store(),
            journal: wiring.journal,
            lookup: wiring.lookup,
            console: .standard,
            isJSON: settings.common.json
        )
        try await session.apply(action, to: which.job, reason: reason, asks: asks)
    }
}
