/// How much one page of a requeue opens.
///
/// Claims wait during a page, so with these sizes a page took less than a twentieth of a second on average
/// (`scripts/bench-tracking requeue`).
package enum RequeuePaging {
    /// Records per page: each of them may have a dead letter that is written.
    package static let recordsMax = 1_000
    /// Records per page if each becomes a batch of its own, which costs four times as much.
    package static let isolatedMax = 250

    /// Batches per page, depending on the size of the job's batches.
    package static func batches(of job: JobSummary, isolates: Bool) -> Int {
        guard job.totalBatches > 0, job.totalRecords > 0 else { return 1 }
        let size = max(1, Int(clamping: job.totalRecords / Int64(job.totalBatches)))
        return min(200, max(1, (isolates ? isolatedMax : recordsMax) / size))
    }
}
