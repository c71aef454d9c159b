import Migration

/// Repairs counters over any store.
struct CounterRepair: Sendable {
    let store: any JobStore
    let lookup: JobLookup
    let console: Console
    let isJSON: Bool

    /// Ten thousand batches a call: more than any job has.
    private static let pagesMax = 1_000

    /// What `--json` answers.
    struct Report: Encodable, Equatable {
        let job: JobID
        let target: String
        /// The counters that were wrong.
        var changes: [RecountIngestionJob.Change] = []
        /// Batches that somebody had left as no call leaves them.
        var batches = 0
        /// Open failures of records that are to be done again.
        var letters = 0
        /// Whether the counters agree with the tables now.
        var isRight = true

        var text: String {
            var lines = changes.map { "  \($0.name): \(Format.count($0.from)), now \(Format.count($0.to))" }
            if batches > 0 {
                lines.append(
                    "  \(Format.plural(Int64(batches), "batch", "batches")) with counts or ends that no call made"
                )
            }
            if letters > 0 { lines.append("  \(Format.plural(Int64(letters), "failure")) of records that wait again") }
            return lines.isEmpty
                ? "The counters of job \(job) are right."
                : (["Put right in job \(job):"] + lines).joined(separator: "\n")
        }
    }

    /// Recounts until there is nothing more to put right, and looks whether all agrees then.
    ///
    /// - Throws: `CommandEnd` when there is no such job, or something is left that a recount cannot put right.
    func run(_ number: JobID?) async throws {
        let job = try await lookup.find(number, in: store).announced(on: console, isJSON: isJSON).job
        var report = Report(job: job.id, target: job.targetKey)
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
