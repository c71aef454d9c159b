import ArgumentParser
import Migration

struct Events: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
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

    @Option(name: .long, help: "Only the last so many.")
    var limit: Int?

    @OptionGroup var settings: TrackingSettings

    func validate() throws {
        if let limit, limit < 1 { throw ValidationError("--limit must be at least 1") }
    }

    func run() async throws {
        let console = Console.standard
        let wiring = try settings.wiring()
        let store = try wiring.store()
        let job = try await wiring.lookup.find(job, in: store)
            .announced(on: console, isJSON: settings.common.json).job
        let filter = ListIngestionEvents.Filter(batchNumbers: batch.isEmpty ? nil : batch, kind: kind)
        var isFirst = true
        try await history(of: job, filter, last: limit, in: store) { page in
            if settings.common.json {
                for event in page { console.out(try JSONText.of(OfJob(job, event))) }
            } else {
                console.out(EventTable.text(page, hasHeader: isFirst))
            }
            isFirst = false
        }
        if let cut = job.historyCutAt {
            let line = "What happened before \(Format.time(cut)) was pruned."
            if settings.common.json { console.error(line) } else { console.out(line) }
        }
        if isFirst, !settings.common.json { console.out("Job \(job.id) has no such events.") }
    }
}
