package import Migration

extension JobActivity {
    /// Reads which workers process a job now; nothing is changed.
    ///
    /// - Parameters:
    ///   - job: the job.
    ///   - store: the job's store.
    ///   - journal: the journal of this host, which knows some of the dead processes.
    /// - Returns: its progress and its workers; at most 1,000 workers.
    /// - Throws: what the store throws.
    package static func now(
        of job: JobSummary,
        in store: any JobStore,
        journal: any LeaseJournal
    ) async throws(PortFailure) -> JobActivity {
        let stats = try await store.stats(GetIngestionJobStats(job: job.id))
        let held = try await store.batches(
            ListIngestionBatches(job: job.id, filter: .init(status: .processing), after: nil, limit: 1_000)
        )
        let dead = await journal.leftBehind(in: JobMark(job)).compactMap(\.attempt)
        // The notes are only read: a process that works on the job takes them over.
        await journal.settle(isDone: false)
        return JobActivity(job, stats, held: held.rows) { batch in
            dead.contains { $0.batch == batch.batchNumber && $0.attempt == batch.attempt }
        }
    }
}
