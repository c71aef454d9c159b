import Foundation
import Invariants
import Migration
import Testing

@testable import Adapters

/// What must be so when a job has ended, whatever happened to it.
struct ChaosChecks {
    private let stage: Stage
    /// Empty where nothing sees them.
    private let calls: [ProxiedCall]
    private let paid: Paid
    private let lease: Duration

    init(_ stage: Stage, calls: [ProxiedCall], paid: Paid, lease: Duration) {
        self.stage = stage
        self.calls = calls
        self.paid = paid
        self.lease = lease
    }

    func problems(_ coverage: inout ChaosCoverage) async throws -> [String] {
        // A call waits for locks at most two seconds each before it is written down.
        let evidence = try await TrackingEvidence(
            reading: try stage.store,
            calls: calls.map(\.observed),
            slack: .milliseconds(2500)
        )
        count(evidence, &coverage)
        var problems = evidence.violations().map(\.description)
        if evidence.jobs.count != 1 { problems.append("\(evidence.jobs.count) jobs were opened, not one") }
        problems += differingClaims
        problems += try await stage.damage()
        problems += try await wrongAccount()
        problems += try await wrongPoints(evidence)
        return problems
    }

    /// The counters equal a recount, and are what the rows are: I14, I15, I18.
    private func wrongAccount() async throws -> [String] {
        let stats = try await stage.stats(job: 1)
        var problems: [String] = []
        if stats.equal != true { problems.append("the counters differ from a recount: \(stats)") }
        let counts = [stats.processed, stats.skipped, stats.failedRecords, stats.missing]
        let expected = [ChaosJob.texts, ChaosJob.rows - ChaosJob.texts, 1, 0].map(Int64.init)
        if counts != expected {
            problems.append("processed, skipped, failed and missing are \(counts), not \(expected)")
        }
        if stats.job?.status != .completed { problems.append("the job is \(stats.job?.status.rawValue ?? "gone")") }
        let most = ChaosJob.batchSize / 10 * (Int(stats.claims) - stats.completed)
        // I21
        if paid.again > most { problems.append("\(paid.again) texts were paid again, at most \(most) are excused") }
        return problems
    }

    /// Every record with a text has its points, no other record has any, and `migrate verify` says so too: I18, I19.
    private func wrongPoints(_ evidence: TrackingEvidence) async throws -> [String] {
        var problems: [String] = []
        let verified = try await stage.program.run(["verify", "--json"], stage.settings)
        let decoder = JSONDecoder()
        decoder.keyDecodingStrategy = .convertFromSnakeCase
        let report = try decoder.decode(Verdict.self, from: Data(verified.out.utf8))
        let expected = Verdict(
            verdict: "failed",
            addsUp: true,
            wrong: 0,
            openFailures: 1,
            right: ChaosJob.texts,
            blank: ChaosJob.rows - ChaosJob.texts,
            vanished: 0,
            open: 0,
            strangerPoints: 0,
            lateRows: 0
        )
        // 1: the row without a tenant has failed.
        if verified.status != 1 || report != expected {
            problems.append("verify ended with \(verified.status): \(verified.out.prefix(1500)) \(verified.error)")
        }
        let points = try stage.points()
        let query = "SELECT id FROM \(stage.rows.name).ip_summary WHERE parse_content IS NOT NULL AND id > 13"
        let withText = try await stage.rows.values(query).compactMap { RecordID($0) }
        var found = 0
        for start in stride(from: 0, to: withText.count, by: 200) {
            let page = Array(withText[start..<min(start + 200, withText.count)])
            let stored = try await points.points(of: page, owner: stage.owner)
            found += stored.count
            let without = Set(page).subtracting(stored.map(\.recordID))
            if !without.isEmpty { problems.append("records without points: \(without.sorted())") }
        }
        let all = try await points.count(nil, owner: nil)
        if all != found { problems.append("\(all - found) points belong to no record with a text") }
        return problems
    }

    /// I9, by every answer that the server gave: also those that were dropped.
    private var differingClaims: [String] {
        claims.compactMap { id, answers in
            guard let first = answers.first else { return nil }
            let others = answers.dropFirst().filter { $0.at < first.at + lease && $0.batches != first.batches }
            return others.isEmpty ? nil : "claim \(id) was answered \(first.batches), then \(others.map(\.batches))"
        }
    }

    private struct AnsweredClaim {
        let at: DatabaseTime
        /// Batch number → attempt.
        let batches: [Int: Int]
    }

    /// Answers with batches, by claim id, in the order of their requests.
    private var claims: [String: [AnsweredClaim]] {
        calls.reduce(into: [:]) { claims, call in
            guard let (claim, answer) = call.observed.answered(ClaimNextBatch.self),
                !answer.batches.isEmpty, let at = call.observed.at
            else { return }
            let batches = Dictionary(answer.batches.map { ($0.batchNumber, $0.attempt) }) { first, _ in first }
            claims[claim.claimId, default: []].append(AnsweredClaim(at: at, batches: batches))
        }
    }

    /// What really happened, by the calls and the history.
    private func count(_ evidence: TrackingEvidence, _ coverage: inout ChaosCoverage) {
        coverage[.drops] += calls.count { $0.fate == .dropped && $0.hasWritten }
        coverage[.losses] += calls.count { $0.fate == .lost }
        coverage[.repeatedClaims] += claims.values.count { $0.count > 1 && $0[0].batches == $0[1].batches }
        coverage[.staleRefused] += calls.count { call in
            call.observed.given(BumpBatchProgress.self)?.items.contains { $0.result == .lost }
                ?? (call.observed.given(FinishBatch.self)?.result == .lost)
        }
        coverage[.repeatedEnds] += calls.count {
            $0.observed.given(FinishBatch.self)?.result == .duplicate
        }
        let controllers = calls.reduce(into: [Int: Set<String>]()) { controllers, call in
            guard let lease = call.observed.controllerLease else { return }
            controllers[lease.epoch, default: []].insert(lease.controller)
        }
        coverage[.takeOvers] += max(0, controllers.count - 1)
        coverage[.heirs] += controllers.values.reduce(0) { $0 + $1.count - 1 }
        for job in evidence.jobs {
            coverage[.batches] += job.stats.completed
            coverage[.ends] += Int(job.stats.claims) - job.stats.completed
        }
    }

    /// What was paid and counted, in words.
    func account() async throws -> String {
        let stats = try await stage.stats(job: 1)
        return "\(calls.count) calls, \(stats.claims) claims of \(stats.completed) batches, \(stats.reaps) reaped, "
            + "\(stats.releases) released, \(stats.defers) deferred; \(paid.texts) texts, \(paid.again) paid again"
    }
}

/// What we read of `migrate verify --json`.
private struct Verdict: Codable, Equatable {
    let verdict: String
    let addsUp: Bool
    let wrong: Int
    let openFailures: Int
    let right: Int
    let blank: Int
    let vanished: Int
    let open: Int
    let strangerPoints: Int
    let lateRows: Int64
}

extension ProxiedCall {
    /// Whether the server has carried out a call that may change something.
    fileprivate var hasWritten: Bool {
        if observed.answer == nil { return false }
        if let claim = observed.answered(ClaimNextBatch.self) { return !claim.answer.batches.isEmpty }
        return observed.calls(OpenIngestionJob.self) || observed.calls(RenewController.self)
            || observed.calls(AppendIngestionBatches.self) || observed.calls(SealIngestionPlan.self)
            || observed.calls(BumpBatchProgress.self) || observed.calls(FinishBatch.self)
            || observed.calls(ResetStuckBatches.self) || observed.calls(FinalizeIngestionJob.self)
    }
}
