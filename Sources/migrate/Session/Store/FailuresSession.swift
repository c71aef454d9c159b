import Migration
import Terminal

/// `migrate failures` with any store.
struct FailuresSession: Sendable {
    let store: any JobStore
    let lookup: JobLookup
    let console: Console
    let isJSON: Bool

    /// Prints a table, or with JSON one failure per line.
    ///
    /// - Throws: `CommandEnd` when there is no such job.
    func show(_ filter: ListIngestionFailures.Filter, of number: JobID?) async throws {
        let job = try await lookup.find(number, in: store).announced(on: console, isJSON: isJSON).job
        var after: RecordID?
        var isFirst = true
        repeat {
            let call = ListIngestionFailures(job: job.id, filter: filter, after: after, limit: 500)
            let page = try await patiently { () async throws(PortFailure) in try await store.failures(call) }
            if isJSON {
                for failure in page.rows { console.out(try JSONText.of(OfJob(job, failure))) }
            } else if isFirst, page.rows.isEmpty {
                console.out("Job \(job.id) has no such failures.")
            } else if !page.rows.isEmpty {
                console.out(FailureTable.text(page.rows, hasHeader: isFirst))
            }
            isFirst = false
            after = page.next
        } while after != nil
    }
}
