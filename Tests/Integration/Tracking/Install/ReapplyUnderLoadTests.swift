import Foundation
import Migration
import Synchronization
import Testing

@testable import Adapters

/// The SQL is applied over and over while a job is at work: by programs that call as old ones do, and as this one does.
///
/// Alone on its server: it keeps both cores busy.
@Suite(.needs(.postgres), .serialized) struct `Tracking SQL that is applied again under load` {
    private static let duration = TestEnvironment.isLong ? Duration.seconds(60) : .seconds(4)

    /// What the calls of one client came to.
    private struct Tally: Sendable {
        var calls = 0
        var slowest = Duration.zero
        var failures: [String] = []
        /// Records of batches whose completion was applied.
        var completed: [RecordID] = []

        mutating func add(_ other: Self) {
            calls += other.calls
            slowest = max(slowest, other.slowest)
            failures += other.failures
            completed += other.completed
        }

        mutating func time<Value>(_ call: () async throws(PortFailure) -> Value) async -> Value? {
            let clock = ContinuousClock()
            let start = clock.now
            defer { slowest = max(slowest, clock.now - start) }
            calls += 1
            do { return try await call() } catch {
                failures.append(error.detail)
                return nil
            }
        }
    }

    /// Whether the installations are over, and whether the plan is.
    private final class Phase: Sendable {
        private let state = Mutex((isOver: false, isSealed: false))
        var isOver: Bool { state.withLock { $0.isOver } }
        var isSealed: Bool { state.withLock { $0.isSealed } }
        func end() { state.withLock { $0.isOver = true } }
        func seal() { state.withLock { $0.isSealed = true } }
    }

    private static let open = TrackingCalls.open.replacing("\"max_retries\": 0", with: "\"max_retries\": 1000")

    /// Plans as an old controller does, a page whenever little is left, until the installations are over; then seals.
    private static func plan(_ database: TrackingDatabase, _ phase: Phase) async throws -> (Tally, planned: Int) {
        let connection = PostgresConnection(try database.login)
        var tally = Tally()
        var cursor = 0
        while !phase.isOver {
            let waiting = try await connection.run("SELECT public.get_ingestion_job_stats(1) ->> 'pending'")
            guard Int(waiting.first?.first.flatMap(\.self) ?? "") ?? 0 < 200 else {
                _ = try await connection.run("SELECT pg_sleep(0.02)")
                continue
            }
            let page = (1...100).map { "[\(cursor + $0 * 2 - 1), \(cursor + $0 * 2)]" }.joined(separator: ", ")
            let expected = cursor == 0 ? "NULL" : "\(cursor)"
            let call = "append_ingestion_batches(1, 1, '\(TrackingCalls.token)', \(expected), '[\(page)]') ->> 'result'"
            let answer = await tally.time { () async throws(PortFailure) in
                try await connection.call("SELECT public.\(call)")
            }
            guard let answer else { continue }
            #expect(answer == [["appended"]])
            cursor += 200
            let renewed = "renew_controller(1, 1, '\(TrackingCalls.token)') ->> 'result'"
            _ = await tally.time { () async throws(PortFailure) in try await connection.call("SELECT public.\(renewed)")
            }
        }
        let seal = "seal_ingestion_plan(1, 1, '\(TrackingCalls.token)', \(cursor), \(cursor), NULL) ->> 'result'"
        #expect(try await connection.run("SELECT public.\(seal)") == [["sealed"]])
        phase.seal()
        return (tally, cursor)
    }

    /// Works until nothing is left: claims, reports, and completes, gives back or fails what it has.
    private static func work(_ database: TrackingDatabase, _ number: Int, _ phase: Phase) async throws -> Tally {
        let store = try database.store(connectionsMax: 1)
        let mine = PlannedJob(job: 1, store: store)
        let idle = PostgresConnection(try database.login)
        var tally = Tally()
        var round = number
        while true {
            round += 1
            let isLast = phase.isSealed
            let claimed = await tally.time { () async throws(PortFailure) in try await mine.claim(2) }
            guard let claimed else { continue }
            if claimed.batches.isEmpty {
                // As text, because the answer of an older version has fewer members.
                let pending = "SELECT public.get_ingestion_job_stats(1) ->> 'pending'"
                let left = await tally.time { () async throws(PortFailure) in try await idle.call(pending) }
                if isLast, left == [["0"]] { return tally }
                _ = try await idle.run("SELECT pg_sleep(0.01)")
                continue
            }
            let items = claimed.batches.map {
                HeartbeatItem(
                    batchNumber: $0.batchNumber,
                    attempt: $0.attempt,
                    claimId: claimed.id,
                    counts: .init(processed: 1)
                )
            }
            let beat = await tally.time { () async throws(PortFailure) in
                try await store.heartbeat(.init(job: 1, worker: "w\(number)", items: items))
            }
            #expect(beat.map { $0.items.allSatisfy { $0.result == .ok } } ?? true)
            for batch in claimed.batches {
                let outcome: BatchOutcome = isLast || round % 5 > 1 ? .completed : round % 5 == 0 ? .released : .failed
                let size = batch.recordIds.count
                let finish = FinishBatch(
                    job: 1,
                    batchNumber: batch.batchNumber,
                    attempt: batch.attempt,
                    claimId: claimed.id,
                    outcome: outcome,
                    counts: outcome == .completed
                        ? BatchCounts(processed: size) : outcome == .failed ? BatchCounts(failed: size) : nil,
                    failedRecords: [],
                    retryAfterMs: outcome == .failed ? 0 : nil,
                    error: nil
                )
                var answer: FinishBatch.Answer?
                // A refusal is told below; the batch must not be left behind, or the end would wait for its lease.
                for _ in 0..<5 where answer == nil {
                    answer = await tally.time { () async throws(PortFailure) in try await store.finish(finish) }
                }
                #expect(answer?.result == .applied)
                if answer?.result == .applied, outcome == .completed { tally.completed += batch.recordIds }
            }
        }
    }

    /// Watches and reaps, as runners and people do; and repairs, where there are calls for that.
    private static func watch(_ database: TrackingDatabase, _ phase: Phase, repairs: Bool) async throws -> Tally {
        let store = try database.store(connectionsMax: 1)
        let reader = PostgresConnection(try database.login)
        var tally = Tally()
        while !phase.isOver {
            _ = await tally.time { () async throws(PortFailure) in
                try await store.resetStuck(.init(job: 1, limit: 10, full: true))
            }
            _ = await tally.time { () async throws(PortFailure) in
                try await reader.call("SELECT count(*) FROM public.ingestion_batch_full")
            }
            if repairs {
                let recount = await tally.time { () async throws(PortFailure) in try await store.recount(.init(job: 1))
                }
                #expect(recount?.changes == [])
                _ = await tally.time { () async throws(PortFailure) in
                    try await store.release(.init(job: 1, filter: .init(worker: "nobody"), limit: 10, dryRun: false))
                }
            }
            _ = try await reader.run("SELECT pg_sleep(0.05)")
        }
        return tally
    }

    /// Over an older version first, which is the upgrade of a job at work, and then over itself.
    @Test(.timeLimit(.minutes(5)), arguments: OlderTrackingSQL.versions + [SchemaInstaller.version])
    func `holds no call up, loses nothing and locks nobody out`(version: Int) async throws {
        let older = version == SchemaInstaller.version ? nil : version
        try await TrackingDatabase.use(version: older) { database in
            try await database.run("SELECT public.\(Self.open)")
            let phase = Phase()
            var tally = Tally()
            var planned: Int = 0
            try await withThrowingTaskGroup(of: (Tally, planned: Int).self) { group in
                group.addTask { try await Self.plan(database, phase) }
                group.addTask { (try await Self.watch(database, phase, repairs: older == nil), 0) }
                for number in 0..<4 { group.addTask { (try await Self.work(database, number, phase), 0) } }
                let (clock, installer) = (ContinuousClock(), try database.installer)
                let end = clock.now + Self.duration
                var failure: (any Error)?
                var applications = 0
                do {
                    while clock.now < end || applications < 3 {
                        try await installer.apply()
                        applications += 1
                    }
                } catch { failure = error }
                phase.end()
                for try await (part, ids) in group {
                    tally.add(part)
                    planned += ids
                }
                if let failure { throw failure }
                print(
                    "over version \(version): applied \(applications) times, \(tally.calls) calls, the slowest \(tally.slowest)"
                )
            }
            // A wait for a lock of more than 2 s would be among the failures.
            #expect(tally.failures == [])
            #expect(tally.slowest < .seconds(10))
            let deadlocks = "SELECT deadlocks FROM pg_stat_database WHERE datname = current_database()"
            #expect(try await database.run(deadlocks) == [["0"]])
            #expect(planned > 0 && tally.completed.sorted() == (1...planned).map { RecordID($0) })
            let store = try database.store()
            #expect(try await store.finalize(.init(job: 1)) == .init(result: .finalized, status: .completed))
            let stats = try await store.exactStats(.init(job: 1))
            #expect(stats.equal == true && stats.processed == Int64(planned))
            #expect(stats.retries + stats.releases > 0)
            #expect(try await store.schemaVersion(.init()) == .init(version: SchemaInstaller.version, minClient: 2))
        }
    }
}
