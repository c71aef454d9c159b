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

/// Reads a job's history page by page.
///
/// - Parameters:
///   - job: the job.
///   - filter: which events.
///   - last: only the last so many, which are shown at once; nil = all.
///   - store: the job store.
///   - show: takes a page that is not empty.
/// - Throws: `CommandEnd` when the job keeps no history.
func history(
    of job: JobSummary,
    _ filter: ListIngestionEvents.Filter,
    last: Int?,
    in store: any JobStore,
    show: ([EventSummary]) throws -> Void
) async throws {
    guard job.settings.recordEvents else {
        throw CommandEnd(
            .incomplete,
            "job \(job.id) keeps no history, because it was opened with RECORD_EVENTS=off; a new job has one with RECORD_EVENTS=on"
        )
    }
    if let last {
        return try await newest(last, of: job, filter, in: store, show: show)
    }
    var after: Int64?
    repeat {
        let call = ListIngestionEvents(job: job.id, filter: filter, after: after, limit: 1000)
        let page = try await patiently { () async throws(PortFailure) in try await store.events(call) }
        if !page.rows.isEmpty { try show(page.rows) }
        after = page.next
    } while after != nil
}

/// Reads from the end no more than is shown: a history has several events per batch.
private func newest(
    _ count: Int,
    of job: JobSummary,
    _ filter: ListIngestionEvents.Filter,
    in store: any JobStore,
    show: ([EventSummary]) throws -> Void
) async throws {
    var filter = filter
    filter.newest = true
    var after: Int64?
    var kept: [EventSummary] = []
    repeat {
        let limit = min(count - kept.count, 1000)
        let call = ListIngestionEvents(job: job.id, filter: filter, after: after, limit: limit)
        let page = try await patiently { () async throws(PortFailure) in try await store.events(call) }
        kept += page.rows
        after = page.next
    } while after != nil && kept.count < count
    if !kept.isEmpty { try show(kept.reversed()) }
}

/// The list of `migrate events`.
enum EventTable {
    static func text(_ events: [EventSummary], hasHeader: Bool = true) -> String {
        let rows = events.map { event in
            let details = event.detail.filter { !$0.value.isEmpty }.sorted { $0.key < $1.key }
            return [
                Format.time(event.at), event.batchNumber.map(String.init) ?? "", event.attempt.map(String.init) ?? "",
                event.kind, event.workerId ?? "", details.map { "\($0.key)=\($0.value)" }.joined(separator: " "),
            ]
        }
        let text = Table(header: ["TIME", "BATCH", "ATTEMPT", "EVENT", "WORKER", "DETAIL"], rows: rows).text
        return hasHeader ? text : text.split(separator: "\n", maxSplits: 1).dropFirst().joined()
    }
}
