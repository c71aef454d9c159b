import Fakes
import Migration
import Synchronization
import Testing
import TextProcessing

@testable import Engine

/// Other people's servers, and jobs that begin at the same time.
extension `Joining a job` {
    private static let other = "app.other"
    private static let elsewhere = JobServers(
        source: servers.source,
        points: ["https://two:6333"],
        embedder: servers.embedder
    )

    private func cancelNewest() async throws {
        let newest = try #require(try await jobs().first)
        _ = try await store.control(ControlIngestionJob(job: newest.id, action: .cancel, reason: nil))
    }

    @Test func `hosts that name one source differently take turns after one admission`() async throws {
        let moved = JobServers(source: ["db2:3306/app"], points: Self.servers.points, embedder: Self.servers.embedder)
        #expect(await refusal(joining()) == nil)
        try await cancelNewest()
        #expect(await refusal(joining(moved, serversMoved: true)) == nil)
        for servers in [moved, Self.servers, moved, Self.servers, moved] {
            try await cancelNewest()
            #expect(await refusal(joining(servers)) == nil)
        }
        #expect(try await jobs().first?.servers.source == ["db1:3306/app", "db2:3306/app"])
    }

    @Test func `a source that has had many names keeps the ones it is reached by`() async throws {
        #expect(await refusal(joining()) == nil)
        for number in 1...JobServers.entriesMax + 2 {
            try await cancelNewest()
            let moved = JobServers(source: ["a\(number):3306/app"], points: Self.servers.points)
            #expect(await refusal(joining(moved, serversMoved: true)) == nil)
            let source = try #require(try await jobs().first?.servers.source)
            #expect(source.contains("a\(number):3306/app") && source.count <= JobServers.entriesMax)
        }
    }

    @Test func `an open job that has had too many servers is refused in words, and nothing was changed`() async throws {
        #expect(await refusal(joining()) == nil)
        let names = (1..<JobServers.entriesMax).map { "https://old\($0):6333" }
        _ = try await store.addServers(AddIngestionServers(job: 1, servers: JobServers(points: names)))
        let before = try await jobs()
        guard case .tooManyServers(let job) = await refusal(joining(Self.elsewhere, serversMoved: true)) else {
            Issue.record("not refused")
            return
        }
        #expect(job.id == 1)
        #expect(try await jobs() == before)
        #expect(await refusal(joining(choice: .resume)) == nil)
    }

    @Test func `two sources that begin at once with one namespace do not both begin`() async throws {
        let calls = Mutex(0)
        let neighbour = joining(table: Self.other)
        hooks.before.withLock {
            $0 = { call throws(PortFailure) in
                guard call == OpenIngestionJob.function, Self.isFirst(calls) else { return }
                // The other one has looked, too, and opens its job first.
                do { _ = try await neighbour.run() } catch { throw PortFailure(.rejected, "\(error)") }
            }
        }
        #expect(await refusal(joining()) == .sameNamespace(Self.other))
        let left = try await jobs()
        #expect(left.map(\.status) == [.cancelled, .running])
        #expect(left.last?.table == Self.other)
    }

    @Test func `a job that has written into a collection of the same name elsewhere is no neighbour`() async throws {
        _ = try await halfDone()
        let collection = FakeQdrant()
        _ = try await collection.ensure(World.schema)
        #expect(await refusal(joining(Self.elsewhere, points: collection, table: Self.other)) == nil)
    }

    @Test func `a job that has written nothing may have another name of our collection`() async throws {
        #expect(await refusal(joining()) == nil)
        #expect(await refusal(joining(Self.elsewhere, table: Self.other)) == .sameNamespace(Self.source))
    }

    @Test func `unmarked points are not taken away by a job into a collection of the same name elsewhere`()
        async throws
    {
        let collection = FakeQdrant()
        _ = try await collection.ensure(World.schema)
        let theirs = try await joining(Self.elsewhere, points: collection, table: Self.other).run()
        #expect(theirs.owner.ownsUnmarked)
        try await cancelNewest()
        try await writeUnmarked(World.rows(40).map(\.id))
        let ours = try await joining().run()
        #expect(ours.owner.ownsUnmarked)
    }

    @Test func `a worker process takes its run's decision on unmarked points`() async throws {
        // A job of the version before, which has stored no decision.
        let order = OpenIngestionJob(
            targetKey: "\(Self.source) -> memos",
            configHash: Self.configuration().hash,
            config: Self.configuration().stored(limit: nil),
            settings: JobSettings(maxRetries: 3, leaseSeconds: 120, batchTimeoutSeconds: 600),
            controllerId: "old",
            token: SeededEntropy(5).uuid(),
            start: true
        )
        let job = try await store.openJob(order).job
        _ = try await joining(table: Self.other, namespace: "theirs", unmarked: .ours).run()
        try await writeUnmarked(World.rows(40).map(\.id))
        // What a person may have answered the run.
        let child = try await joining(unmarked: .ours, isChild: true).work(on: job)
        #expect(child.owner.ownsUnmarked)
    }

    // MARK: - Evidence that is hard to see

    @Test func `a batch whose first records are all blank has its points further on`() async throws {
        // More than the part that is looked up at first.
        let count = JobEvidence.recordsMax + 50
        let joined = try await joining().run()
        guard case .controlling(let opened, let order) = joined.job else {
            Issue.record("not the controller")
            return
        }
        let ids = (1...count).map { RecordID($0) }
        let append = AppendIngestionBatches(
            job: opened.job.id,
            epoch: opened.epoch,
            token: order.token,
            expectedCursor: nil,
            batches: [ids]
        )
        _ = try await store.appendBatches(append)
        let claim = ClaimNextBatch(
            job: opened.job.id,
            worker: "test/0",
            claimId: SeededEntropy(99).uuid(),
            limit: 1,
            configHash: Self.configuration().hash,
            floor: nil
        )
        let batch = try #require(try await store.claim(claim).batches.first)
        let finish = FinishBatch(
            job: opened.job.id,
            batchNumber: batch.batchNumber,
            attempt: batch.attempt,
            claimId: claim.claimId,
            outcome: .completed,
            counts: BatchCounts(processed: 50, skipped: JobEvidence.recordsMax),
            failedRecords: [],
            retryAfterMs: nil,
            error: nil
        )
        #expect(try await store.finish(finish).result == .applied)
        try await points.upsert(ids.suffix(50).map { Self.point(of: $0) })
        let rows = FakeMySQL(rows: ids.map { SourceRecord(id: $0, memberCode: "m", content: .text("row \($0)")) })
        #expect(await refusal(joining(source: rows, choice: .resume)) == nil)
    }

    @Test func `rows that a lagging replica does not show yet are looked for once more`() async throws {
        _ = try await halfDone(0)
        let late = Mutex<FakeMySQL?>(nil)
        let reads = Mutex(0)
        let lagging = FakeMySQL(
            rows: [SourceRecord(id: 1, memberCode: "m", content: .text("an old row"))],
            faults: FaultHook(after: { call throws(PortFailure) in
                guard call.contains("records"), Self.isFirst(reads) else { return }
                for row in World.rows(40) { late.withLock(\.self)?.put(row) }
            })
        )
        late.withLock { $0 = lagging }
        #expect(await refusal(joining(source: lagging, choice: .resume)) == nil)
        #expect(reads.withLock(\.self) == 2)
    }

    @Test func `foreign points without a source whose ids ours would get are kept from being overwritten`()
        async throws
    {
        try await writeUnmarked(World.rows(40).map(\.id), namespace: "test")
        #expect(await refusal(joining(unmarked: .foreign)) == .namespaceOfUnmarked)
        #expect(try await jobs().isEmpty, "nothing was changed")
        #expect(await refusal(joining(namespace: "mine", unmarked: .foreign)) == nil)
    }
}
