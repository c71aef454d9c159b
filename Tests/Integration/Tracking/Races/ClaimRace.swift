import Conformance
import Foundation
import Migration
import Synchronization
import Testing

@testable import Adapters

/// Twenty workers with a connection each, planners that die one after the other, and a clock that jumps when they do.
///
/// Each round has a planner that dies between two of its pages. Meanwhile the workers take what there is and end it in
/// every way; some forget a batch, and come back to it in a later round, when another worker holds it. The clock stands
/// still within a round, so that every answer is known to be right or wrong.
final class ClaimRace: Sendable {
    /// How often what the race is about really happened.
    struct Coverage: Sendable {
        /// Batches that were handed out.
        var claims = 0
        /// A repeat, at the same time or after its original, got the same batches.
        var repeatedClaims = 0
        /// A worker came back to a batch that had been given to another, and was refused.
        var staleMetNewOwner = 0
        /// A planner died between two pages, and its next page was refused.
        var plannerDeaths = 0
    }

    private struct Attempt: Hashable {
        let batch: Int
        let number: Int
    }

    /// A batch that its worker lost sight of.
    private struct Forgotten {
        let batch: ClaimedBatch
        let claim: String
        let round: Int
    }

    private struct Planner {
        let epoch: Int
        let token: String
    }

    private struct State {
        var coverage = Coverage()
        /// Whose claim each attempt is.
        var owners: [Attempt: String] = [:]
        var forgotten = [[Forgotten]](repeating: [], count: ClaimRace.workers)
        var isPlanning = false
    }

    static let workers = 20
    /// Longer than a lease of 30 s: no batch is reaped in the round of its claim, and every one two rounds later.
    private static let jump = Duration.seconds(31)

    let job: JobID
    private let database: TrackingDatabase
    private let seed: UInt64
    private let target: String
    /// A connection for each worker.
    private let stores: [RPCJobStore]
    /// For planners, reapers and repeats.
    private let shared: RPCJobStore
    private let state = Mutex(State())

    /// Opens a job in a database whose clock can be moved.
    init(_ database: TrackingDatabase, seed: UInt64) async throws {
        self.database = database
        self.seed = seed
        target = "race \(seed)"
        stores = try (0..<Self.workers).map { _ in try database.store(connectionsMax: 1) }
        shared = try database.store(connectionsMax: 8)
        job = try await Self.open(shared, target, token: UUID().uuidString).job.id
    }

    var coverage: Coverage { state.withLock { $0.coverage } }

    /// Plans in so many rounds, and works until the job is done.
    ///
    /// - Returns: the status that the job ended with.
    func run(rounds: Int, batchesPerPage: Int) async throws -> JobStatus? {
        var dead: Planner?
        for round in 0..<rounds {
            try await database.advance(by: Self.jump)
            let token = UUID().uuidString
            let opened = try await Self.open(shared, target, token: token)
            #expect(opened.role == .controller && opened.epoch == round + 2)  // I11
            let planned = opened.job.planCursor
            if let dead {
                let late = try await append(batchesPerPage, by: dead, after: planned)
                #expect(late.result == .lost)  // I11
                state.withLock { $0.coverage.plannerDeaths += 1 }
            }
            let planner = Planner(epoch: opened.epoch, token: token)
            dead = planner
            try await play(round) { [self] in
                var cursor = planned
                for _ in 0..<2 {
                    let page = try await append(batchesPerPage, by: planner, after: cursor)
                    #expect(page.result == .appended)
                    cursor = page.cursor
                }
                guard round == rounds - 1 else { return }
                let seal = SealIngestionPlan(
                    job: job,
                    epoch: planner.epoch,
                    token: planner.token,
                    expectedCursor: cursor,
                    upper: cursor,
                    sourceCount: nil
                )
                #expect(try await shared.sealPlan(seal).result == .sealed)
            }
        }
        for round in rounds..<(rounds + 20) {
            let end = try await shared.finalize(FinalizeIngestionJob(job: job))
            if end.result == .finalized { return end.status }
            try await database.advance(by: Self.jump)
            try await play(round) {}
        }
        return nil
    }

    /// One round: the planner, all workers and two reapers at the same time.
    private func play(_ round: Int, planning: @escaping @Sendable () async throws -> Void) async throws {
        state.withLock { $0.isPlanning = true }
        try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask { [self] in
                defer { state.withLock { $0.isPlanning = false } }
                try await planning()
            }
            for _ in 0..<2 {
                group.addTask { [self] in
                    while try await shared.resetStuck(ResetStuckBatches(job: job, limit: 5, full: false)).more {}
                }
            }
            for worker in 0..<Self.workers { group.addTask { [self] in try await work(worker, in: round) } }
            try await group.waitForAll()
        }
    }

    private func work(_ worker: Int, in round: Int) async throws {
        let dice = Dice(seed &* 1_000_003 &+ UInt64(round * Self.workers + worker))
        while true {
            let isPlanning = state.withLock { $0.isPlanning }
            let (id, batches) = try await claim(worker, dice)
            for batch in batches { try await end(batch, id, worker, round, dice) }
            if batches.isEmpty, !isPlanning { break }
        }
        let old = state.withLock { state in
            let old = state.forgotten[worker].filter { $0.round <= round - 3 }
            state.forgotten[worker].removeAll { $0.round <= round - 3 }
            return old
        }
        for forgotten in old { try await comeBack(to: forgotten, PlannedJob(job: job, store: stores[worker])) }
    }

    /// Claims, sometimes twice at the same time, sometimes once more afterwards.
    private func claim(_ worker: Int, _ dice: Dice) async throws -> (id: String, batches: [ClaimedBatch]) {
        let call = ClaimNextBatch(
            job: job,
            worker: "worker \(worker)",
            claimId: UUID().uuidString.lowercased(),
            limit: dice.number(1...8),
            configHash: "hash",
            floor: nil
        )
        var answers: [[ClaimedBatch]] = []
        if dice.oneIn(6) {
            async let twin = shared.claim(call).batches
            answers.append(try await stores[worker].claim(call).batches)
            answers.append(try await twin)
        } else {
            answers.append(try await stores[worker].claim(call).batches)
            if dice.oneIn(6) { answers.append(try await shared.claim(call).batches) }
        }
        // An empty answer is not remembered: there may be a new page when it is asked again.
        let taken = answers.first { !$0.isEmpty } ?? []
        for other in answers where !other.isEmpty {
            #expect(
                other.map(\.batchNumber) == taken.map(\.batchNumber) && other.map(\.attempt) == taken.map(\.attempt)
            )  // I9
        }
        state.withLock { state in
            for batch in taken {
                let attempt = Attempt(batch: batch.batchNumber, number: batch.attempt)
                #expect(state.owners.updateValue(call.claimId, forKey: attempt) == nil)  // I1
            }
            state.coverage.claims += taken.count
            if answers.count(where: { !$0.isEmpty }) == 2 { state.coverage.repeatedClaims += 1 }
        }
        return (call.claimId, taken)
    }

    private func end(_ batch: ClaimedBatch, _ claim: String, _ worker: Int, _ round: Int, _ dice: Dice) async throws {
        let outcome: BatchOutcome
        switch dice.below(20) {
        case 0, 1:
            return state.withLock {
                $0.forgotten[worker].append(Forgotten(batch: batch, claim: claim, round: round))
            }
        case 2: outcome = .failed
        case 3: outcome = .released
        case 4: outcome = .deferred
        default: outcome = .completed
        }
        let count = batch.recordIds.count
        let counts = outcome == .completed ? BatchCounts(processed: count) : BatchCounts(failed: count)
        let answer = try await stores[worker].finish(
            FinishBatch(
                job: job,
                batchNumber: batch.batchNumber,
                attempt: batch.attempt,
                claimId: claim,
                outcome: outcome,
                counts: outcome == .completed || outcome == .failed ? counts : nil,
                failedRecords: [],
                retryAfterMs: outcome == .deferred ? 1000 : nil,
                error: nil
            )
        )
        #expect(answer.result == .applied)
    }

    /// A worker believes that it still holds a batch: the store knows better (I3), or it really does.
    private func comeBack(to forgotten: Forgotten, _ plan: PlannedJob) async throws {
        let item = HeartbeatItem(
            batchNumber: forgotten.batch.batchNumber,
            attempt: forgotten.batch.attempt,
            claimId: forgotten.claim,
            counts: BatchCounts(processed: 1)
        )
        let beat = try await plan.store.heartbeat(BumpBatchProgress(job: job, worker: "zombie", items: [item])).items
            .first
        let end = try await plan.complete(forgotten.batch, forgotten.claim)
        #expect(end.result == (beat?.result == .ok ? .applied : .lost))
        if beat?.reason == "new_owner" { state.withLock { $0.coverage.staleMetNewOwner += 1 } }
    }

    private func append(
        _ batches: Int,
        by planner: Planner,
        after cursor: RecordID?
    ) async throws -> AppendIngestionBatches.Answer {
        let first = (cursor ?? 0) + 1
        return try await shared.appendBatches(
            AppendIngestionBatches(
                job: job,
                epoch: planner.epoch,
                token: planner.token,
                expectedCursor: cursor,
                batches: (0..<RecordID(batches)).map { [first + 2 * $0, first + 2 * $0 + 1] }
            )
        )
    }

    private static func open(
        _ store: RPCJobStore,
        _ target: String,
        token: String
    ) async throws -> OpenIngestionJob.Answer {
        try await store.openJob(
            OpenIngestionJob(
                targetKey: target,
                configHash: "hash",
                config: [:],
                settings: JobSettings(
                    maxRetries: 5,
                    leaseSeconds: 30,
                    batchTimeoutSeconds: 600,
                    backoffBaseSeconds: 0
                ),
                controllerId: "planner",
                token: token,
                start: true
            )
        )
    }
}
