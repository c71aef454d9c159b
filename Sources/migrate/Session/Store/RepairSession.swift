import Migration
import Terminal

/// `migrate repair-counters` with any store.
struct RepairSession: Sendable {
    let store: any JobStore
    let lookup: JobLookup
    let console: Console
    let isJSON: Bool

    /// Each call covers up to ten thousand batches: together more than any job has.
    private static let pagesMax = 1_000

    /// Recounts until nothing more is to be corrected, and then checks whether everything matches.
    ///
    /// - Throws: `CommandEnd` when there is no such job, or something remains that a recount cannot correct.
    func run(_ number: JobID?) async throws {
        let job = try await lookup.find(number, in: store).announced(on: console, isJSON: isJSON).job
        var report = RepairReport(job: job.id, target: job.targetKey)
        for _ in 0..<Self.pagesMax {
            let call = RecountIngestionJob(job: job.id)
            let answer = try await patiently { () async throws(PortFailure) in try await store.recount(call) }
            guard answer.result == .ok else { throw CommandEnd(.incomplete, "there is no job \(job.id)") }
            report.changes += answer.changes
            report.batches += answer.batches
            report.letters += answer.letters
            if !answer.more { break }
        }
        let exact = GetIngestionJobStatsExact(job: job.id)
        report.isRight =
            try await patiently { () async throws(PortFailure) in try await store.exactStats(exact) }.equal == true
        console.out(isJSON ? try JSONText.of(report) : report.text)
        if !report.isRight {
            throw CommandEnd(
                .incomplete,
                "job \(job.id) has open failures that its batches do not count, or records without a batch: rows were "
                    + "changed or deleted by hand; cancel it, and `migrate run` plans a new one, which pays for nothing twice"
            )
        }
    }
}
