import Migration

/// The parts of the plan that a verification reads page by page.
extension Verifier {
    private static let idsPage = 10_000

    /// The number of rows of a range that the job would plan now and has not planned there.
    func unplanned(
        after cursor: RecordID?,
        through upper: RecordID,
        besides planned: Set<RecordID>
    ) async throws(ServiceFailure) -> Int64 {
        var count: Int64 = 0
        var cursor = cursor
        while true {
            let from = cursor
            let ids = try await call(.source) { () async throws(PortFailure) in
                try await ports.source.ids(after: from, through: upper, limit: Self.idsPage)
            }
            count += Int64(ids.count { !planned.contains($0) })
            guard ids.count == Self.idsPage else { return count }
            cursor = ids.last
        }
    }

    /// The latest round of every record that was requeued.
    func laterRounds(_ job: JobID) async throws(ServiceFailure) -> [RecordID: Int] {
        var rounds: [RecordID: Int] = [:]
        var after: Int?
        repeat {
            let call = ListIngestionBatches(job: job, filter: .init(requeued: true), after: after, limit: 1000)
            let page = try await store { store throws(PortFailure) in try await store.batches(call) }
            for batch in page.rows where batch.round > 0 {
                for id in batch.recordIds { rounds[id] = max(batch.round, rounds[id] ?? 0) }
            }
            after = page.next
        } while after != nil
        return rounds
    }

    func openFailures(_ job: JobID, batch: Int? = nil) async throws(ServiceFailure) -> [FailureSummary] {
        var failures: [FailureSummary] = []
        var after: RecordID?
        repeat {
            let filter = ListIngestionFailures.Filter(open: true, batchNumbers: batch.map { [$0] })
            let call = ListIngestionFailures(job: job, filter: filter, after: after, limit: 1000)
            let page = try await store { store throws(PortFailure) in try await store.failures(call) }
            failures += page.rows
            after = page.next
        } while after != nil
        return failures
    }
}
