import Migration
import Testing

@testable import Adapters

/// What manual SQL has left, and what `recount_ingestion_job` makes of it.
@Suite(.needs(.postgres)) struct `Counters that SQL by hand has broken` {
    struct Damage: Sendable, CustomTestStringConvertible {
        let testDescription: String
        let sql: String
        /// The counters that are said to have been wrong.
        var changes: Set<String> = []
        var batches = 0
        var letters = 0
        /// Whether the counters are right after it already.
        var isEqual = false
    }

    /// What version 1 let people do; the constraints of now would refuse most of it.
    static let damages = [
        Damage(
            testDescription: "a stuck batch back to pending",
            sql: "status = 'pending', lease_expires_at = NULL, deadline_at = NULL WHERE batch_number = 2",
            changes: ["processing"],
            batches: 1
        ),
        Damage(
            testDescription: "a stuck batch given up",
            sql: """
                status = 'failed', lease_expires_at = NULL, deadline_at = NULL, finished_at = now(), skipped_count = record_count
                WHERE batch_number = 2
                """,
            changes: ["processing", "failed", "skipped"],
            batches: 1
        ),
        Damage(
            testDescription: "a stuck batch as done",
            sql: """
                status = 'completed', lease_expires_at = NULL, deadline_at = NULL, finished_at = now(),
                processed_count = record_count WHERE batch_number = 2
                """,
            changes: ["processing", "completed", "processed"],
            batches: 1
        ),
        Damage(
            testDescription: "a failed batch back to pending",
            sql: "status = 'pending', finished_at = NULL, retry_count = 0 WHERE batch_number = 1",
            changes: ["failed", "failed_records"],
            batches: 1,
            letters: 1
        ),
        Damage(
            testDescription: "a completed batch back to pending",
            sql: "status = 'pending', finished_at = NULL WHERE batch_number = 0",
            changes: ["completed", "processed"],
            batches: 1
        ),
        Damage(
            testDescription: "a waiting batch as done",
            sql: "status = 'completed', finished_at = now(), processed_count = record_count WHERE batch_number = 3",
            changes: ["completed", "processed"]
        ),
        Damage(
            testDescription: "an attempt number",
            sql: "attempt = attempt + 5 WHERE batch_number = 3",
            changes: ["claims"],
            batches: 1
        ),
    ]

    /// Of the tables beside the batches.
    static let others = [
        Damage(
            testDescription: "a shard of the counters",
            sql: """
                UPDATE public.ingestion_counter SET in_flight = 7, missing = -3, removed = 4, billed_tokens = 9,
                    billed_nanodollars = -2 WHERE shard = 5
                """,
            changes: ["processing", "missing", "removed", "billed_tokens", "billed_nanodollars"]
        ),
        Damage(
            testDescription: "no counters at all",
            sql: "DELETE FROM public.ingestion_counter",
            changes: ["processing", "completed", "failed", "processed", "failed_records", "claims", "service_failures"]
        ),
        Damage(
            testDescription: "the totals",
            sql: "UPDATE public.ingestion_job SET total_batches = 9, total_records = 0, processed_records = 77",
            changes: ["total_batches", "total_records"]
        ),
        Damage(
            testDescription: "the job's copies alone",
            sql: "UPDATE public.ingestion_job SET processed_records = 77, failed_batches = 12",
            isEqual: true
        ),
        Damage(
            testDescription: "a batch that was deleted",
            sql: "DELETE FROM public.ingestion_batch WHERE batch_number = 3",
            changes: ["total_batches", "total_records"]
        ),
    ]

    /// On version 1: a completed batch, a failed one, one at work and one that waits.
    private static func use(_ body: (TrackingDatabase) async throws -> Void) async throws {
        try await TrackingDatabase.use(older: true) { database in
            let page = "append_ingestion_batches(1, 1, '\(TrackingCalls.token)', NULL, '[[1], [2], [3], [4]]')"
            let counts = #"'{"processed": 1, "skipped": 0, "failed": 0, "missing": 0}', '[]', NULL, NULL"#
            let failed = #"'{"processed": 0, "skipped": 0, "failed": 1, "missing": 0}', '[]', NULL, '{"code": "c"}'"#
            let calls = [
                TrackingCalls.open, page, TrackingCalls.claim(TrackingCalls.claim, limit: 3),
                "finish_batch(1, 0, 1, '\(TrackingCalls.claim)', 'completed', \(counts))",
            ]
            for call in calls { try await database.run("SELECT public.\(call)") }
            try await database.installer.apply()
            // By the SQL of now, which counts the failures of services; what comes then is as version 1 let it come.
            try await database.run("SELECT public.finish_batch(1, 1, 1, '\(TrackingCalls.claim)', 'failed', \(failed))")
            try await database.run(
                """
                ALTER TABLE public.ingestion_batch DROP CONSTRAINT use_migrate_release_not_sql,
                    DROP CONSTRAINT use_migrate_retry_not_sql, DROP CONSTRAINT use_migrate_repair_counters_not_sql
                """
            )
            try await body(database)
        }
    }

    private static func isEqual(_ store: RPCJobStore) async throws -> Bool? {
        try await store.exactStats(.init(job: 1)).equal
    }

    @Test(arguments: damages.map { ($0, "UPDATE public.ingestion_batch SET \($0.sql)") } + others.map { ($0, $0.sql) })
    func `are right after a recount, and the job goes on to its end`(damage: Damage, sql: String) async throws {
        try await Self.use { database in
            let store = try database.store()
            try #require(try await Self.isEqual(store) == true)
            try await database.run(sql)
            #expect(try await Self.isEqual(store) == damage.isEqual)
            try await database.installer.apply()
            let answer = try await store.recount(.init(job: 1))
            #expect(Set(answer.changes.map(\.name)) == damage.changes)
            #expect(answer.batches == damage.batches && answer.letters == damage.letters)
            #expect(try await Self.isEqual(store) == true)
            let job = try await database.run("SELECT processed_records, failed_batches FROM public.ingestion_job")
            let stats = try await store.stats(.init(job: 1))
            #expect(job == [["\(stats.processed)", "\(stats.failed)"]])
            let again = try await store.recount(.init(job: 1))
            #expect(again == .init(result: .ok, changes: [], batches: 0, letters: 0, more: false))
            try await Self.goOn(database)
        }
    }

    /// Whatever was repaired, no constraint stands in the way of the work.
    private static func goOn(_ database: TrackingDatabase) async throws {
        let store = try database.store()
        let plan = PlannedJob(job: 1, store: store)
        _ = try await store.release(.init(job: 1, filter: .init(olderThanMs: 0), limit: 100, dryRun: false))
        _ = try await store.requeueBatches(
            .init(job: 1, requestId: TrackingCalls.claim, filter: .init(), isolate: false, limit: 100)
        )
        for _ in 0..<8 {
            let (claim, batches) = try await plan.claim(4)
            for batch in batches { #expect(try await plan.complete(batch, claim).result == .applied) }
            try await database.run("UPDATE public.ingestion_batch SET next_retry_at = now() WHERE status = 'pending'")
        }
        let stats = try await store.exactStats(.init(job: 1))
        #expect(stats.equal == true && stats.pending == 0 && stats.processing == 0)
    }

    /// Calls add to the counters while they are recounted: nothing of it is lost, and nothing counted twice.
    @Test func `are repaired while workers go on`() async throws {
        try await TrackingDatabase.use { database in
            let plan = try await PlannedJob.make(database.store(), batches: (0..<120).map { [RecordID($0)] })
            try await database.run(
                "UPDATE public.ingestion_counter SET in_flight = in_flight + 2, processed = processed + 3"
            )
            try await withThrowingTaskGroup(of: Int.self) { group in
                for _ in 0..<4 {
                    group.addTask {
                        let mine = PlannedJob(job: plan.job, store: try database.store(connectionsMax: 1))
                        for _ in 0..<30 {
                            let (claim, batches) = try await mine.claim()
                            for batch in batches { #expect(try await mine.complete(batch, claim).result == .applied) }
                        }
                        return 0
                    }
                }
                for _ in 0..<2 {
                    group.addTask {
                        let store = try database.store(connectionsMax: 1)
                        var changes = 0
                        for _ in 0..<10 { changes += try await store.recount(.init(job: plan.job)).changes.count }
                        return changes
                    }
                }
                // Two counters, each put right by exactly one of the concurrent recounts.
                let changes = try await group.reduce(0, +)
                #expect(changes == 2)
            }
            let stats = try await plan.exactStats()
            #expect(stats.equal == true && stats.completed == 120 && stats.processing == 0)
        }
    }
}
