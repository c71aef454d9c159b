import ArgumentParser
import Migration

struct Release: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Takes batches from workers that hang, so that others go on with them.",
        discussion: """
            Rarely needed: a batch whose worker is gone comes back by itself, when its lease has run out. Every given condition \
            must hold. Asks first, and says which of the workers still report.

            What is released may be claimed again at once and has used one retry; a batch with no retry left is given up, \
            and `migrate retry` opens it again. A worker that was alive after all learns that its batch is lost and leaves it; \
            nothing is counted twice.

            EXAMPLES
              migrate release --older-than 10m
              migrate release --worker app-7           all of a host
              migrate release --worker app-7:4711/2 --yes
              migrate release --job 7 --batch 12 --batch 13
            """
    )

    @Option(name: .long, help: "Only of this worker (host:pid/number), runner (host:pid) or host.")
    var worker: String?

    @Option(name: .long, help: "Only what was claimed so long ago or longer: 90s, 10m, 2h, 1d.")
    var olderThan: Age?

    @Option(name: .long, help: "Only this batch; may be repeated.")
    var batch: [Int] = []

    @Flag(name: .shortAndLong, help: "Answer yes to every question.")
    var yes = false

    @OptionGroup var which: JobOption
    @OptionGroup var settings: TrackingSettings

    func validate() throws {
        if worker == nil, olderThan == nil, batch.isEmpty {
            throw ValidationError("say which batches: --worker, --older-than or --batch")
        }
        if worker?.isEmpty == true { throw ValidationError("--worker is the name of one") }
        if let olderThan, olderThan.seconds > ReleaseIngestionBatches.ageMaxMs / 1_000 {
            throw ValidationError("--older-than is ten years at most")
        }
    }

    func run() async throws {
        let wiring = try settings.wiring()
        let release = BatchRelease(
            store: try wiring.store(),
            lookup: wiring.lookup,
            console: .standard,
            isJSON: settings.common.json
        )
        let filter = ReleaseIngestionBatches.Filter(
            worker: worker,
            olderThanMs: olderThan.map { $0.seconds * 1_000 },
            batchNumbers: batch.isEmpty ? nil : batch
        )
        try await release.run(filter, of: which.job, isSure: yes)
    }
}

/// Releases batches over any store.
struct BatchRelease: Sendable {
    let store: any JobStore
    let lookup: JobLookup
    let console: Console
    let isJSON: Bool

    /// Batches of a call that only looks.
    private static let lookedAt = 1_000
    /// Batches of a call: their heartbeats wait for it.
    private static let released = 200
    /// A million batches at work: more than any job has.
    private static let pagesMax = 5_000

    /// What `--json` answers.
    struct Report: Encodable, Equatable {
        let job: JobID
        let target: String
        /// Batches that may be claimed again.
        var released = 0
        /// Batches with no retry left: given up.
        var failed = 0
        var records: Int64 = 0

        var text: String {
            guard released + failed > 0 else { return "Job \(job) has nothing of that kind at work." }
            let all = "\(BatchRelease.batches(released)) may be claimed again."
            guard failed > 0 else { return all }
            return "\(released > 0 ? all + " " : "")\(BatchRelease.batches(failed)) had no retry left and "
                + "\(failed == 1 ? "is" : "are") given up: `migrate retry --batches` opens \(failed == 1 ? "it" : "them") again."
        }
    }

    /// Looks what is meant, asks, and releases exactly that: what is claimed meanwhile is left alone.
    ///
    /// - Throws: `CommandEnd` when there is no such job, a person says no, or batches had to be given up.
    func run(_ filter: ReleaseIngestionBatches.Filter, of number: JobID?, isSure: Bool) async throws {
        let job = try await lookup.find(number, in: store).announced(on: console, isJSON: isJSON).job
        var report = Report(job: job.id, target: job.targetKey)
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
        let count = plan.released + plan.failed
        var remarks: [String] = []
        if plan.alive > 0 {
            remarks.append(
                "\(plan.alive) of them \(plan.alive == 1 ? "has a worker that reports" : "have workers that report")"
            )
        }
        if plan.failed > 0 { remarks.append("\(plan.failed) with no retry left will be given up") }
        let more = plan.more ? " or more" : ""
        let remark = remarks.isEmpty ? "" : " (\(remarks.joined(separator: "; ")))"
        return "Release \(batches(count))\(more) with \(Format.plural(plan.records, "record"))\(more)\(remark)?"
    }

    fileprivate static func batches(_ count: Int) -> String { Format.plural(Int64(count), "batch", "batches") }
}
