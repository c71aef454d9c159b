import Migration
import Terminal

/// `migrate release` with any store.
struct ReleaseSession: Sendable {
    let store: any JobStore
    let lookup: JobLookup
    let console: Console
    let isJSON: Bool

    /// Batches per call that only reads.
    private static let lookedAt = 1_000
    /// Batches per call that releases: their heartbeats wait for it.
    private static let released = 200
    /// A million batches at work: more than any job has.
    private static let pagesMax = 5_000

    /// Reads which batches the filter selects, asks, and releases exactly those: batches that are claimed meanwhile are
    /// not affected.
    ///
    /// - Throws: `CommandEnd` when there is no such job, a person answers no, or batches had to be given up.
    func run(_ filter: ReleaseIngestionBatches.Filter, of number: JobID?, isSure: Bool) async throws {
        let job = try await lookup.find(number, in: store).announced(on: console, isJSON: isJSON).job
        var report = ReleaseReport(job: job.id, target: job.targetKey)
        let plan = try await release(filter, of: job.id, isDry: true)
        if plan.released + plan.failed > 0 {
            try await (isJSON ? console.aside : console).confirm(Self.question(plan), isSure: isSure, default: false)
            var meant = filter
            meant.olderThanMs = nil
            meant.claimedUntil = plan.claimedUntil
            for _ in 0..<Self.pagesMax {
                let answer = try await release(meant, of: job.id, isDry: false)
                report.released += answer.released
                report.failed += answer.failed
                report.records += answer.records
                if !answer.more { break }
            }
        }
        console.out(isJSON ? try JSONText.of(report) : report.text)
        if report.failed > 0 { throw CommandEnd(.incomplete) }
    }

    private func release(
        _ filter: ReleaseIngestionBatches.Filter,
        of job: JobID,
        isDry: Bool
    ) async throws -> ReleaseIngestionBatches.Answer {
        let call = ReleaseIngestionBatches(
            job: job,
            filter: filter,
            limit: isDry ? Self.lookedAt : Self.released,
            dryRun: isDry
        )
        let answer = try await patiently { () async throws(PortFailure) in try await store.release(call) }
        guard answer.result == .ok else { throw CommandEnd(.incomplete, "there is no job \(job)") }
        return answer
    }

    private static func question(_ plan: ReleaseIngestionBatches.Answer) -> String {
        let batches = ReleaseReport.batches(plan.released + plan.failed)
        var remarks: [String] = []
        if plan.alive > 0 {
            remarks.append(
                "\(plan.alive) of them \(plan.alive == 1 ? "has a worker that reports" : "have workers that report")"
            )
        }
        if plan.failed > 0 { remarks.append("\(plan.failed) with no retry left will be given up") }
        let more = plan.more ? " or more" : ""
        let remark = remarks.isEmpty ? "" : " (\(remarks.joined(separator: "; ")))"
        return "Release \(batches)\(more) with \(Format.plural(plan.records, "record"))\(more)\(remark)?"
    }
}
