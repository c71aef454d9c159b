import Foundation
import Migration
import Testing

@testable import Adapters

extension `What tracking costs the server` {
    /// What a batch's life costs the server in writing.
    @Suite struct `Writes of a batch's life` {
        /// Of a claim, a heartbeat and a finish of one batch of 100 records, with counters and history.
        static let walBytesMax = 2200
        /// The same where the finish says what was paid, as it does.
        static let walBytesOfPaidMax = 2300

        /// Nine of ten at least.
        ///
        /// A long transaction anywhere on the server keeps old row versions, and then no page has room:
        /// so the best of a few rounds counts, each with other batches.
        @Test func `heartbeats touch no index`() async throws {
            try await TrackingDatabase.use { database in
                let plan = try await Self.plan(batches: 320, database)
                let connection = ExplainingConnection(try database.login)
                let runner = PlannedJob(job: plan.job, store: RPCJobStore(connection))
                var best = 0
                for _ in 0..<5 where best < 90 {
                    var held = [try await Self.held(16, by: runner), try await Self.held(4, by: runner)]
                    let before = try await Self.updates(connection)
                    for beat in 1...20 {
                        for index in held.indices {
                            let answer = try await Self.heartbeat(&held[index], beat, by: runner)
                            #expect(answer.allSatisfy { $0.result == .ok })
                        }
                    }
                    let after = try await Self.updates(connection)
                    #expect(after.all - before.all == 20 * 20)
                    best = max(best, 100 * (after.hot - before.hot) / (after.all - before.all))
                }
                #expect(best >= 90)
            }
        }

        private static func held(_ count: Int, by runner: PlannedJob) async throws -> [HeartbeatItem] {
            let claim = try await runner.claim(count)
            try #require(claim.batches.count == count)
            return claim.batches.map {
                HeartbeatItem(batchNumber: $0.batchNumber, attempt: 1, claimId: claim.id, counts: BatchCounts())
            }
        }

        private static func heartbeat(
            _ items: inout [HeartbeatItem],
            _ beat: Int,
            by runner: PlannedJob
        ) async throws -> [BumpBatchProgress.Item] {
            for index in items.indices { items[index].counts.processed = beat }
            return try await runner.store.heartbeat(BumpBatchProgress(job: runner.job, worker: "w", items: items)).items
        }

        @Test(arguments: [false, true]) func `a batch of 100 records writes little WAL`(isPaid: Bool) async throws {
            try await TrackingDatabase.use { database in
                let plan = try await Self.plan(batches: 300, database)
                let connection = ExplainingConnection(try database.login)
                let worker = PlannedJob(job: plan.job, store: RPCJobStore(connection))
                var costs: [Int] = []
                var floor: ClaimFloor?
                for _ in 0..<300 {
                    let id = UUID().uuidString.lowercased()
                    let claim = try await worker.store.claim(
                        ClaimNextBatch(
                            job: plan.job,
                            worker: "w",
                            claimId: id,
                            limit: 1,
                            configHash: "hash",
                            floor: floor
                        )
                    )
                    floor = claim.floor
                    var written = [await connection.statements.last?.plan]
                    let batch = try #require(claim.batches.first)
                    _ = try await worker.heartbeat(batch, id, processed: 50)
                    written.append(await connection.statements.last?.plan)
                    let paid = Migration.Paid(tokens: isPaid ? 61_234 : 0, nanodollars: isPaid ? 1_224_680 : 0)
                    _ = try await worker.complete(batch, id, paid: paid)
                    written.append(await connection.statements.last?.plan)
                    let calls = try written.map { try #require($0) }
                    // The first change of a page after a checkpoint writes the whole page: its cost is the checkpoint's.
                    guard calls.allSatisfy({ $0.walFullPages == 0 }) else { continue }
                    costs.append(try calls.reduce(0) { try $0 + #require($1.walBytes) + Self.commitBytes })
                }
                try #require(costs.count >= 100, "too few batches met no full page")
                let mean = costs.reduce(0, +) / costs.count
                #expect(mean <= (isPaid ? Self.walBytesOfPaidMax : Self.walBytesMax))
                print("a batch writes \(mean) bytes of WAL, paid: \(isPaid)")
                #expect(mean > 500, "the measure itself must see something")
            }
        }

        /// A commit record, which is written after the statement that is explained.
        private static let commitBytes = 48

        private static func plan(batches: Int, _ database: TrackingDatabase) async throws -> PlannedJob {
            try await PlannedJob.make(
                database.store(),
                batches: (0..<batches).map { Array(RecordID($0) * 100..<RecordID($0) * 100 + 100) }
            )
        }

        /// How many rows of batches were updated so far, and how many without a new index entry.
        private static func updates(_ connection: ExplainingConnection) async throws -> (all: Int, hot: Int) {
            _ = try await connection.value("SELECT pg_stat_force_next_flush()")
            let text = try await connection.value(
                "SELECT n_tup_upd || ' ' || n_tup_hot_upd FROM pg_stat_user_tables WHERE relname = 'ingestion_batch'"
            )
            let numbers = text.split(separator: " ").compactMap { Int($0) }
            try #require(numbers.count == 2)
            return (numbers[0], numbers[1])
        }
    }
}
