/// How much a page of a requeue opens.
///
/// Claims wait meanwhile, so the sizes are those with which a page took less than a twentieth of a second on average
/// (`scripts/bench-tracking requeue`).
package enum RequeuePaging {
    /// Records a page: each of them may have a dead letter that is written.
    package static let recordsMax = 1_000
    /// Records a page where each becomes a batch of its own, which costs four times as much.
    package static let isolatedMax = 250

    /// Batches a page, by the size of the job's batches.
    package static func batches(of job: JobSummary, isolates: Bool) -> Int {
        guard job.totalBatches > 0, job.totalRecords > 0 else { return 1 }
        let size = max(1, Int(clamping: job.totalRecords / Int64(job.totalBatches)))
        return min(200, max(1, (isolates ? isolatedMax : recordsMax) / size))
    }
}
