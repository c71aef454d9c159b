import Migration
import Terminal

/// `migrate jobs` with any store.
struct JobsSession: Sendable {
    let store: any JobStore
    let console: Console
    let isJSON: Bool

    /// Prints a table, or with JSON one job per line.
    func show(onlyOpen: Bool, limit: Int) async throws {
        let filter = ListIngestionJobs.Filter(targetKey: nil, open: onlyOpen ? true : nil)
        let answer = try await patiently { () async throws(PortFailure) in
            try await store.jobs(ListIngestionJobs(job: nil, filter: filter, after: nil, limit: limit))
        }
        if isJSON {
            for job in answer.rows { console.out(try JSONText.of(job)) }
        } else if answer.rows.isEmpty {
            console.out(onlyOpen ? "No job is open." : "There is no job yet; `migrate run` makes one.")
        } else {
            console.out(JobTable.text(answer.rows))
        }
    }
}
