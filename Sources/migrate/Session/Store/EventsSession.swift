import Migration
import Terminal

/// `migrate events` with any store.
struct EventsSession: Sendable {
    let store: any JobStore
    let lookup: JobLookup
    let console: Console
    let isJSON: Bool

    /// Prints a job's history: as a table, or with JSON one event per line.
    ///
    /// - Parameters:
    ///   - filter: selects the events.
    ///   - last: the number of last events; nil = all.
    ///   - number: the job's number; nil = the newest job of the settings.
    /// - Throws: `CommandEnd` when there is no such job, or it keeps no history.
    func show(_ filter: ListIngestionEvents.Filter, last: Int?, of number: JobID?) async throws {
        let job = try await lookup.find(number, in: store).announced(on: console, isJSON: isJSON).job
        var isFirst = true
        try await history(of: job, filter, last: last, in: store) { page in
            if isJSON {
                for event in page { console.out(try JSONText.of(OfJob(job, event))) }
            } else {
                console.out(EventTable.text(page, hasHeader: isFirst))
            }
            isFirst = false
        }
        if let cut = job.historyCutAt {
            let line = "The events before \(Format.time(cut)) were pruned."
            if isJSON { console.error(line) } else { console.out(line) }
        }
        if isFirst, !isJSON { console.out("Job \(job.id) has no such events.") }
    }
}

/// Reads a job's history page by page, or only this many of its last events, which are shown at once.
///
/// No empty page is shown.
///
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

/// Reads from the end only as many events as are shown: a history has several events per batch.
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
