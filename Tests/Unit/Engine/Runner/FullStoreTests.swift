import Engine
import Fakes
import Migration
import Synchronization
import Testing
import TextProcessing

extension EngineTests {
    /// A collection that has no room: it is not the records, and nothing more is paid for.
    @Suite struct FullStoreTests {
        private func isFull(_ reason: StopReason) -> Bool {
            if case .fatal(.points, let failure) = reason { failure.kind == .full } else { false }
        }

        @Test func `a full collection stops the job, gives nothing up, and the job goes on when there is room`()
            async throws
        {
            let world = try await World(rows: World.rows(60))
            world.points.restrict(["max_points_count": 24])
            #expect(isFull(try await world.run(workers: 2, batchSize: 5)))
            let stopped = try await world.stats()
            #expect(stopped.failedRecords == 0 && stopped.equal == true)
            #expect(stopped.job?.status == .running)
            let paid = world.embedder.totals.texts
            // What was written, and at most one batch of each worker that could not be.
            #expect(paid <= 12 + 5 + 2 * 5)

            world.points.restrict(["max_points_count": 1_000])
            guard case .jobEnded(.completed) = try await world.run(workers: 2, batchSize: 5) else {
                Issue.record("it did not end")
                return
            }
            let stats = try await world.stats()
            #expect(stats.processed == 60 && stats.failedRecords == 0)
            #expect(world.embedder.totals.texts <= 60 + 2 * 5)
            #expect(try await world.verify().isRight)
        }

        @Test(arguments: ["No space left on device", "Max payload storage size limit of 1MB reached!"])
        func `a store that is full in the middle of a batch keeps what it has written`(text: String) async throws {
            let writes = Mutex(0)
            let full = FaultHook(before: { name throws(PortFailure) in
                guard name == "qdrant.upsert" else { return }
                let write = writes.withLock { count in
                    count += 1
                    return count
                }
                if write > 1 { throw PortFailure(.full, text) }
            })
            let world = try await World(rows: World.rows(10), pointFaults: full)
            #expect(isFull(try await world.run(workers: 1, batchSize: 5)))
            #expect(try await world.points.count(nil, owner: nil) == 10)
            #expect(try await world.stats().failedRecords == 0)
        }

        @Test func `a full store that cannot mark points stops too`() async throws {
            let full = FaultHook(before: { name throws(PortFailure) in
                if name == "qdrant.mark" { throw PortFailure(.full, "full") }
            })
            let world = try await World(rows: CollectionBeforeSources.rows, pointFaults: full)
            for (id, payload) in CollectionBeforeSources.points {
                try world.points.engine.write(id, payload: payload, into: world.points.collection)
            }
            #expect(isFull(try await world.run()))
            #expect(try await world.stats().failedRecords == 0)
            #expect(world.embedder.totals.texts == 0)
        }

        @Test func `a collection that lacks an index in strict mode stops the job and says what to do`() async throws {
            let refused = FaultHook(before: { name throws(PortFailure) in
                if name == "qdrant.delete" {
                    throw PortFailure(.unauthorised, "run `migrate setup`", code: "index_missing")
                }
            })
            let world = try await World(rows: World.rows(2), pointFaults: refused)
            try await world.run()
            let row = World.rows(2)[0]
            world.source.put(SourceRecord(id: row.id, memberCode: "another", content: row.content))
            guard case .fatal(.points, let failure) = try await world.run() else {
                Issue.record("it did not stop")
                return
            }
            #expect(failure.detail.contains("migrate setup"))
            #expect(try await world.stats(2).failedRecords == 0)
        }
    }
}
