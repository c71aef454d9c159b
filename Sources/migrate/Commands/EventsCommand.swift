import ArgumentParser
import Migration
import Terminal

struct EventsCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "events",
        abstract: "Shows a job's history: every claim, its end, and what operators did.",
        discussion: """
            A job keeps its history when it is opened with RECORD_EVENTS on, which is the default. Oldest first; with --json one \
            event per line. Never shows a record's text.

            EXAMPLES
              migrate events 7
              migrate events 7 --batch 12          what became of one batch
              migrate events 7 --kind failed --json
              migrate events --limit 20            the newest job's last 20
            """
    )

    @Argument(help: "The job's number; by default the newest job of the table and collection in the settings.")
    var job: JobID?

    @Option(name: .long, help: "Only events of this batch; may be repeated.")
    var batch: [Int] = []

    @Option(name: .long, help: "Only this kind, for example claimed, completed, failed, defer or reaped.")
    var kind: String?

    @Option(name: .long, help: "Only this many of the last events.")
    var limit: Int?

    @OptionGroup var settings: TrackingSettings

    func validate() throws {
        if let limit, limit < 1 { throw ValidationError("--limit must be at least 1") }
    }

    func run() async throws {
        let wiring = try settings.wiring()
        let session = EventsSession(
            store: try await wiring.store(),
            lookup: wiring.lookup,
            console: .standard,
            isJSON: settings.common.json
        )
        try await session.show(.init(batchNumbers: batch.isEmpty ? nil : batch, kind: kind), last: limit, of: job)
    }
}
