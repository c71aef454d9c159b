// Longer than 300 lines: one suite, whose tests share their world.

import Fakes
import Migration
import Synchronization
import Testing
import TextProcessing

@testable import Engine

/// Which processes may take part in a job, and with which servers.
@Suite(.timeLimit(.minutes(2))) struct `Joining a job` {
    static let target = "app.memos -> memos"
    static let servers = JobServers(
        source: ["db1:3306/app"],
        points: ["https://one:6333"],
        embedder: ["https://api.example/v1"]
    )

    static let source = "app.memos"

    let source = FakeMySQL(rows: World.rows(40))
    let store: FakeSupabase
    let points = FakeQdrant()
    let hooks: Hooks

    init() async throws {
        let hooks = Hooks()
        self.hooks = hooks
        store = FakeSupabase(
            time: Time(FastClock()),
            entropy: SeededEntropy(1),
            faults: FaultHook(
                before: { call throws(PortFailure) in try await hooks.before.withLock(\.self)?(call) },
                after: { call throws(PortFailure) in try await hooks.after.withLock(\.self)?(call) }
            )
        )
        _ = try await points.ensure(World.schema)
    }

    func joining(
        _ servers: JobServers = Self.servers,
        source: FakeMySQL? = nil,
        store: (any JobStore)? = nil,
        points: FakeQdrant? = nil,
        table: String = Self.source,
        namespace: String = "test",
        unmarked: UnmarkedPoints? = nil,
        choice: Joining.Choice = .ask,
        reply: Joining.Reply? = nil,
        serversMoved: Bool = false,
        isChild: Bool = false
    ) -> Joining {
        let ports = EnginePorts(
            source: source ?? self.source,
            store: store ?? self.store,
            embedder: FakeOpenAI(dimensions: 16, time: Time(FastClock())),
            points: points ?? self.points,
            time: Time(FastClock()),
            entropy: SeededEntropy(UInt64(hooks.notices.withLock { $0.count }) + 7),
            report: { _ in }
        )
        let order = Joining.Order(
            target: "\(table) -> memos",
            collection: "memos",
            source: table,
            identity: PointIdentity(namespace: namespace),
            unmarkedPoints: unmarked,
            configuration: Self.configuration(table, namespace),
            schema: World.schema,
            settings: JobSettings(maxRetries: 3, leaseSeconds: 120, batchTimeoutSeconds: 600),
            servers: servers,
            serversMoved: serversMoved,
            batchSize: 10,
            choice: choice,
            canAsk: reply != nil,
            runner: "test",
            isChild: isChild
        )
        return Joining(
            ports: ports,
            order: order,
            stop: StopSignal(),
            ask: { question in
                switch question {
                case .serversMoved, .unmarkedPoints: reply ?? .nobody
                default: .yes
                }
            },
            tell: { [hooks] notice in hooks.notices.withLock { $0.append(notice) } }
        )
    }

    static func configuration(_ table: String = source, _ namespace: String = "test") -> JobConfiguration {
        JobConfiguration(values: ["table": table, "collection": "memos", "point_id_namespace": namespace])
    }

    /// A job of four batches, of which the first `done` are completed with their points.
    func halfDone(_ done: Int = 2) async throws -> JobSummary {
        let joined = try await joining().run()
        guard case .controlling(let opened, let order) = joined.job else {
            throw Unexpected(what: "not the controller")
        }
        let ids = World.rows(40).map(\.id)
        let batches = stride(from: 0, to: 40, by: 10).map { Array(ids[$0..<$0 + 10]) }
        let append = AppendIngestionBatches(
            job: opened.job.id,
            epoch: opened.epoch,
            token: order.token,
            expectedCursor: nil,
            batches: batches
        )
        #expect(try await store.appendBatches(append).result == .appended)
        for number in 0..<done {
            let claim = ClaimNextBatch(
                job: opened.job.id,
                worker: "test/0",
                claimId: SeededEntropy(UInt64(number) + 99).uuid(),
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
                counts: BatchCounts(processed: 10),
                failedRecords: [],
                retryAfterMs: nil,
                error: nil
            )
            #expect(try await store.finish(finish).result == .applied)
            try await points.upsert(batch.recordIds.map { Self.point(of: $0) })
        }
        let list = ListIngestionJobs(job: opened.job.id, filter: .init(), after: nil, limit: 1)
        return try #require(try await store.jobs(list).rows.first)
    }

    /// The parent of a record, as a source with a namespace writes it.
    static func point(
        of id: RecordID,
        source: String = Self.source,
        namespace: String = "test"
    ) -> Point {
        let identity = PointIdentity(namespace: namespace)
        let member = World.rows(40).first { $0.id == id }?.memberCode ?? "m"
        return Point(
            id: identity.parentID(memberCode: member, recordID: id, parent: 0),
            recordID: id,
            memberCode: member,
            collectionIDs: [],
            checksum: "checksum",
            profile: "profile",
            source: source,
            parentIndex: 0,
            body: .parent(text: "text")
        )
    }

    static func isFirst(_ calls: borrowing Mutex<Int>) -> Bool {
        calls.withLock { calls in
            calls += 1
            return calls == 1
        }
    }

    func refusal(_ joining: Joining) async -> Joining.Refusal? {
        do throws(Joining.End) {
            _ = try await joining.run()
            return nil
        } catch {
            if case .refused(let refusal) = error { return refusal }
            Issue.record("ended with \(error)")
            return nil
        }
    }

    func jobs() async throws -> [JobSummary] {
        try await store.jobs(ListIngestionJobs(job: nil, filter: .init(), after: nil, limit: 10)).rows
    }

    // MARK: - Servers

    @Test(arguments: [false, true])
    func `a job does not go on in a collection that has nothing of its work`(serversMoved: Bool) async throws {
        _ = try await halfDone()
        let other = FakeQdrant()
        _ = try await other.ensure(World.schema)
        var servers = Self.servers
        servers = JobServers(source: servers.source, points: ["https://two:6333"], embedder: servers.embedder)
        let refusal = await refusal(joining(servers, points: other, choice: .resume, serversMoved: serversMoved))
        guard case .noEvidence(let job, let evidence, _) = refusal else {
            Issue.record("\(String(describing: refusal))")
            return
        }
        #expect(job.id == 1)
        #expect(evidence.batches == 2 && evidence.batchesWithPoints == 0)
        #expect(evidence.idsFound == evidence.ids)
        #expect(try await jobs().first?.servers.points == Self.servers.points, "nothing was changed")
    }

    @Test func `a job does not go on with a table that has none of its records, under the same name`() async throws {
        _ = try await halfDone()
        let foreign = FakeMySQL(
            rows: (1...40).map { SourceRecord(id: $0, memberCode: "m", content: .text("row \($0)")) }
        )
        let refusal = await refusal(joining(source: foreign, choice: .resume, serversMoved: true))
        guard case .noEvidence(_, let evidence, _) = refusal else {
            Issue.record("\(String(describing: refusal))")
            return
        }
        #expect(evidence.lacksRecords && !evidence.lacksPoints)
    }

    @Test(arguments: [
        JobServers(source: ["db2:3306/app"], points: servers.points, embedder: servers.embedder),
        JobServers(source: servers.source, points: ["https://two:6333"], embedder: servers.embedder),
        JobServers(source: servers.source, points: servers.points, embedder: ["http://other/v1"]),
    ])
    func `a server that the job has never used is asked for, and no is the answer of nobody`(
        moved: JobServers
    ) async throws {
        _ = try await halfDone()
        for reply in [nil, .no] as [Joining.Reply?] {
            let refusal = await refusal(joining(moved, choice: .resume, reply: reply))
            guard case .otherServers(let job, let servers) = refusal else {
                Issue.record("\(String(describing: refusal))")
                return
            }
            #expect(job.id == 1 && servers == moved.subtracting(Self.servers))
            #expect(try await jobs().first?.servers == Self.servers, "nothing was changed")
        }
        #expect(await refusal(joining(moved, choice: .resume, reply: .yes)) == nil)
        #expect(try await jobs().first?.servers == Self.servers.union(moved))
        #expect(await refusal(joining(moved, choice: .resume)) == nil, "asked once")
        #expect(await refusal(joining(choice: .resume)) == nil, "the old name still holds")
    }

    @Test func `a flag says that a server has moved, and it is said`() async throws {
        _ = try await halfDone()
        let moved = JobServers(source: ["db2:3306/app"], points: Self.servers.points, embedder: Self.servers.embedder)
        #expect(await refusal(joining(moved, choice: .resume, serversMoved: true)) == nil)
        #expect(
            hooks.notices.withLock { notices in
                notices.contains {
                    if case .serversMoved(_, let servers) = $0 { return servers.source == ["db2:3306/app"] }
                    return false
                }
            }
        )
    }

    @Test func `before anything is written there is no judgement, but a new server is asked for all the same`()
        async throws
    {
        _ = try await halfDone(0)
        let other = FakeQdrant()
        _ = try await other.ensure(World.schema)
        let moved = JobServers(
            source: Self.servers.source,
            points: ["https://two:6333"],
            embedder: Self.servers.embedder
        )
        guard case .otherServers = await refusal(joining(moved, points: other, choice: .resume)) else {
            Issue.record("joined")
            return
        }
        #expect(await refusal(joining(moved, points: other, choice: .resume, serversMoved: true)) == nil)
    }

    @Test func `a job of the version before knows no servers: only the evidence counts, then they are noted`()
        async throws
    {
        let order = OpenIngestionJob(
            targetKey: Self.target,
            configHash: Self.configuration().hash,
            config: Self.configuration().stored(limit: nil),
            settings: JobSettings(maxRetries: 3, leaseSeconds: 120, batchTimeoutSeconds: 600),
            controllerId: "old",
            token: SeededEntropy(5).uuid(),
            start: true
        )
        _ = try await store.openJob(order)
        #expect(await refusal(joining(choice: .resume)) == nil)
        #expect(try await jobs().first?.servers == Self.servers)
    }

    @Test func `a row that the source can never return keeps nobody out of the job, nor out of a new one`() async throws
    {
        let job = try await halfDone()
        let unreadable = Set(World.rows(40).map(\.id))
        let source = FakeMySQL(rows: World.rows(40), unreadable: unreadable)
        #expect(await refusal(joining(source: source, choice: .resume)) == nil)
        _ = try await store.control(ControlIngestionJob(job: job.id, action: .cancel, reason: nil))
        #expect(await refusal(joining(source: source)) == nil)
    }

    @Test func `a worker is judged like a run`() async throws {
        let job = try await halfDone()
        let other = FakeQdrant()
        _ = try await other.ensure(World.schema)
        do throws(Joining.End) {
            _ = try await joining(points: other).work(on: job)
            Issue.record("joined")
        } catch {
            guard case .refused(.noEvidence) = error else {
                Issue.record("ended with \(error)")
                return
            }
        }
        _ = try await joining().work(on: job)
    }

    @Test func `a worker process of a run that has joined does not look once more`() async throws {
        let job = try await halfDone()
        let other = FakeQdrant()
        _ = try await other.ensure(World.schema)
        _ = try await joining(points: other, isChild: true).work(on: job)
    }

    @Test func `a new job of a table with the same name on another server is asked about once`() async throws {
        let job = try await halfDone()
        _ = try await store.control(ControlIngestionJob(job: job.id, action: .cancel, reason: nil))
        let moved = JobServers(source: ["db2:3306/app"], points: Self.servers.points, embedder: Self.servers.embedder)
        guard case .otherServers = await refusal(joining(moved)) else {
            Issue.record("joined")
            return
        }
        #expect(try await jobs().count == 1, "nothing was changed")
        #expect(await refusal(joining(moved, serversMoved: true)) == nil)
        let second = try #require(try await jobs().first)
        #expect(second.servers.source == ["db1:3306/app", "db2:3306/app"])
        _ = try await store.control(ControlIngestionJob(job: second.id, action: .cancel, reason: nil))
        #expect(await refusal(joining(moved)) == nil, "asked once")
    }

    @Test func `a new job may go to another collection server without a question`() async throws {
        let job = try await halfDone()
        _ = try await store.control(ControlIngestionJob(job: job.id, action: .cancel, reason: nil))
        let moved = JobServers(source: Self.servers.source, points: ["https://two:6333"], embedder: ["http://other/v1"])
        #expect(await refusal(joining(moved)) == nil)
    }

    @Test func `a few rows that are gone, and points of one batch that are gone, are no other server`() async throws {
        _ = try await halfDone(3)
        let left = World.rows(40).filter { $0.id != World.rows(1)[0].id }
        try await points.delete(
            try await points.points(
                of: World.rows(10).map(\.id),
                owner: PointOwner(source: Self.source, ownsUnmarked: true)
            )
        )
        #expect(await refusal(joining(source: FakeMySQL(rows: left), choice: .resume)) == nil)
    }
}

struct Unexpected: Error { let what: String }
