import Foundation
import Migration
import Testing

@testable import Adapters

/// One after the other: loading a million rows is a long transaction, and while that is open in any database, the server
/// keeps every old row version.
@Suite(.needs(.postgres), .serialized) enum `What tracking costs the server` {}

extension `What tracking costs the server` {
    /// How many pages the functions touch at a million batches (I26).
    @Suite struct `Plans at a million batches` {
        /// Of a claim's search for one batch.
        static let rowSearchMax = 20
        /// Of anything that is looked up by its key.
        static let keyedMax = 10

        @Test(arguments: MillionBatches.Condition.allCases)
        func `a claim finds its batch in a few pages`(condition: MillionBatches.Condition) async throws {
            let million = try await MillionBatches.inCondition(condition)
            let (worker, connection) = try million.explaining()
            var floor = million.floor
            // After five calls the server may change to a generic plan; after the twelfth it must.
            for turn in 0..<16 {
                if turn == 12 { try await connection.useGenericPlans() }
                let claim = try await Self.claim(1, floor, worker, connection)
                floor = claim.floor
                #expect(claim.batches.count == 1)
                #expect(claim.search.buffers <= Self.rowSearchMax, "\(condition), claim \(turn)")
                try await Self.expectNoScan(connection)
            }
            let sixteen = try await Self.claim(16, floor, worker, connection)
            #expect(sixteen.batches.count == 16)
            // Each row that is locked is one more page, or the same page once more.
            #expect(sixteen.search.buffers <= Self.rowSearchMax + 2 * 16, "\(condition)")
        }

        /// The look without a floor pays for what it passes over; that it does here shows that the gate above can fail.
        @Test func `without a floor the kept row versions are searched, too`() async throws {
            let million = try await MillionBatches.inCondition(.pinnedHorizon)
            let (worker, connection) = try million.explaining()
            let claim = try await Self.claim(1, nil, worker, connection)
            #expect(claim.batches.count == 1)
            #expect(claim.search.buffers > 1000)
        }

        @Test func `what has a key is found by it while old row versions pile up`() async throws {
            let million = try await MillionBatches.inCondition(.pinnedHorizon)
            let (worker, connection) = try million.explaining()
            let claim = try await Self.claim(1, million.floor, worker, connection)
            try await Self.expectKeyed(connection)
            let batch = try #require(claim.batches.first)
            // As many heartbeats as fit between a claim and its deadline.
            for beat in 1...20 {
                let answer = try await worker.heartbeat(batch, claim.id, processed: beat % 2)
                #expect(answer == .ok)
                try await Self.expectKeyed(connection)
            }
            let finished = try await worker.complete(batch, claim.id)
            #expect(finished.result == .applied)
            try await Self.expectKeyed(connection)
        }

        @Test func `the reaper looks at recent claims only`() async throws {
            let million = try await MillionBatches.inCondition(.pinnedHorizon)
            let (worker, connection) = try million.explaining()
            let claim = try await Self.claim(4, million.floor, worker, connection)
            #expect(claim.batches.count == 4)
            let stuck = try await million.database.run(
                """
                UPDATE public.ingestion_batch SET lease_expires_at = now() - interval '1 hour' WHERE status = 'processing'
                RETURNING batch_number
                """
            )
            .count
            let answer = try await worker.store.resetStuck(ResetStuckBatches(job: 1, limit: 100, full: false))
            #expect(answer.reset == stuck)
            let searches = await connection.statements.compactMap { statement in
                statement.plan.all.first { $0.index == "ingestion_batch_in_flight" }
            }
            #expect(searches.count == 1)
            #expect(searches.allSatisfy { $0.buffers <= Self.rowSearchMax + 2 * stuck })
            try await Self.expectNoScan(connection)
            // All of them are looked at when asked for, which is why the others are not by default.
            _ = try await worker.store.resetStuck(ResetStuckBatches(job: 1, limit: 100, full: true))
            let full = await connection.statements.flatMap(\.plan.all).map(\.buffers).max() ?? 0
            #expect(full > 1000)
        }

        /// Every idle worker asks, and claims wait meanwhile.
        @Test(arguments: [MillionBatches.Condition.staleStatistics, .pinnedHorizon])
        func `that a job is not finished yet is seen at once`(condition: MillionBatches.Condition) async throws {
            let million = try await MillionBatches.inCondition(condition)
            let (worker, connection) = try million.explaining()
            _ = try await Self.claim(1, million.floor, worker, connection)
            let answer = try await worker.store.finalize(FinalizeIngestionJob(job: 1))
            #expect(answer.result == .notReady)
            try await Self.expectKeyed(connection)
        }

        @Test func `the numbers of a job cost as much as its shards, not as its batches`() async throws {
            let million = try await MillionBatches.inCondition(.fresh)
            let (worker, connection) = try million.explaining()
            let stats = try await worker.store.stats(GetIngestionJobStats(job: 1))
            #expect(stats.pending + stats.processing == MillionBatches.batches)
            let touched = await connection.statements.flatMap(\.plan.all).filter { $0.relation != nil }
            #expect(!touched.isEmpty)
            #expect(touched.allSatisfy { $0.buffers <= Self.keyedMax })
        }

        private struct Claim {
            let id: String
            let batches: [ClaimedBatch]
            let floor: ClaimFloor?
            /// The search for claimable rows, apart from their marking.
            let search: PlanNode
        }

        private static func claim(
            _ limit: Int,
            _ floor: ClaimFloor?,
            _ worker: PlannedJob,
            _ connection: ExplainingConnection
        ) async throws -> Claim {
            let id = UUID().uuidString.lowercased()
            let answer = try await worker.store.claim(
                ClaimNextBatch(
                    job: worker.job,
                    worker: "w",
                    claimId: id,
                    limit: limit,
                    configHash: "hash",
                    floor: floor
                )
            )
            let takes = await connection.statements.filter { $0.text.contains("SKIP LOCKED") }
            try #require(takes.count == 1, "the second look was needed, or the statement was not found")
            let search = try #require(takes[0].plan.all.first { $0.type == "Limit" })
            return Claim(id: id, batches: answer.batches, floor: answer.floor, search: search)
        }

        /// No large table is read from end to end.
        private static func expectNoScan(_ connection: ExplainingConnection) async throws {
            let nodes = await connection.statements.flatMap(\.plan.all)
            let read = nodes.filter { $0.relation?.hasPrefix("ingestion_batch") == true && $0.type.hasSuffix("Scan") }
            try #require(!read.isEmpty)
            for node in read { #expect(node.index != nil, "\(node.type) of \(node.relation ?? "")") }
        }

        /// Every row is found by an index, and in a few pages.
        private static func expectKeyed(_ connection: ExplainingConnection) async throws {
            try await expectNoScan(connection)
            let nodes = await connection.statements.flatMap(\.plan.all)
            let tables = ["ingestion_batch", "ingestion_batch_ids", "ingestion_job", "ingestion_counter"]
            for node in nodes where node.relation.map(tables.contains) == true && node.type.hasSuffix("Scan") {
                let isSearch = node.index == "ingestion_batch_claimable"
                #expect(node.buffers <= (isSearch ? rowSearchMax : keyedMax), "\(node.index ?? node.type)")
            }
        }
    }
}

extension PlannedJob {
    /// Reports progress of one batch.
    func heartbeat(_ batch: ClaimedBatch, _ claim: String, processed: Int) async throws -> BumpBatchProgress.Result? {
        let item = HeartbeatItem(
            batchNumber: batch.batchNumber,
            attempt: batch.attempt,
            claimId: claim,
            counts: BatchCounts(processed: processed)
        )
        let answer = try await store.heartbeat(BumpBatchProgress(job: job, worker: "w", items: [item]))
        return answer.items.first?.result
    }
}
