import Migration
import Terminal

/// `migrate retry` with any store.
struct RetrySession: Sendable {
    let store: any JobStore
    let lookup: JobLookup
    let console: Console
    let isJSON: Bool
    let entropy: any Entropy

    /// Gives what the filter selects another try, and prints how much that was.
    ///
    /// - Throws: `CommandEnd` when there is no such job, or its status does not allow it.
    func run(_ filter: RequeueFilter, _ parts: [RetryPart], isolates: Bool, of number: JobID?) async throws {
        let job = try await lookup.find(number, in: store).announced(on: console, isJSON: isJSON).job
        var report = try await requeue(job, filter, parts, isolate: isolates, in: store, entropy: entropy)
        report.target = job.targetKey
        console.out(isJSON ? try JSONText.of(report) : report.text)
    }
}

/// The parts of a job that can get another try.
enum RetryPart: CaseIterable {
    /// Batches that failed as a whole.
    case batches
    /// Failed records of completed batches.
    case records
}

/// Requeues all selected batches and records, page by page: each page begins after the one before, so that a batch or
/// record that fails again meanwhile is not requeued a second time.
///
/// - Throws: `CommandEnd` when the job's status does not allow it.
func requeue(
    _ job: JobSummary,
    _ filter: RequeueFilter,
    _ parts: [RetryPart] = RetryPart.allCases,
    isolate: Bool,
    in store: any JobStore,
    entropy: any Entropy
) async throws -> RetryReport {
    var report = RetryReport(job: job.id)
    /// Adds up one answer, and returns the filter of the next page.
    func add(_ answer: RequeueAnswer) throws -> RequeueFilter? {
        switch answer.result {
        case .applied, .duplicate: break
        case .refused: throw CommandEnd(.incomplete, "job \(job.id) was cancelled; a new `migrate run` plans a new one")
        case .conflict:
            throw CommandEnd(.incomplete, "another job of the same target is open; finish or cancel it first")
        case .notFound: throw CommandEnd(.incomplete, "there is no job \(job.id)")
        }
        report.batches += answer.batches
        report.records += answer.records
        guard answer.more else { return nil }
        var rest = filter
        rest.after = answer.next
        return rest
    }
    var page = parts.contains(.batches) ? filter : nil
    // Each page has its own request id, so that a repeated page is recognised and a new one is not.
    while let wanted = page {
        let call = RequeueFailedBatches(
            job: job.id,
            requestId: entropy.uuid(),
            filter: wanted,
            isolate: isolate,
            limit: RequeuePaging.batches(of: job, isolates: isolate)
        )
        page = try add(await patiently { () async throws(PortFailure) in try await store.requeueBatches(call) })
        // Batches that isolation has made have higher numbers than all earlier ones; stopping here keeps the loop
        // finite if they fail again.
        if let after = page?.after, after >= Int64(job.nextBatchNumber) { page = nil }
    }
    page = parts.contains(.records) ? filter : nil
    while let wanted = page {
        let call = RequeueFailedRecords(
            job: job.id,
            requestId: entropy.uuid(),
            filter: wanted,
            batchSize: 100,
            limit: RequeuePaging.recordsMax / 2  // each is also moved to another batch
        )
        page = try add(await patiently { () async throws(PortFailure) in try await store.requeueRecords(call) })
    }
    return report
}
