// Longer than 300 lines: one suite, whose tests share their world.

import Engine
import Fakes
import Migration
import Synchronization
import Testing

/// Something that happens just before the nth call of some name.
private final class Moment: Sendable {
    private struct State {
        var calls = 0
        var number = 0
        var action: @Sendable () async -> Void = {}
    }

    private let state = Mutex(State())
    private let name: String

    init(before name: String) { self.name = name }

    var hook: FaultHook {
        FaultHook(before: { [self] call throws(PortFailure) in
            guard call == name else { return }
            let action = state.withLock { state in
                state.calls += 1
                return state.calls == state.number ? state.action : nil
            }
            await action?()
        })
    }

    /// Calls since the last `at`.
    var count: Int { state.withLock { $0.calls } }

    /// Counts from here.
    func at(_ number: Int, _ action: @escaping @Sendable () async -> Void) {
        state.withLock { $0 = State(number: number, action: action) }
    }
}

/// Leave that runs out when the test says so, and notes the waits.
private final class Permit: WorkPermit {
    var trials: RequestTrials {
        get { RequestTrials() }
        set {}
    }
    func mayRemove(_ records: Int) async throws(WorkEnd) {}
    let interruption = StopSignal()
    let waitMax: Duration
    private let isTrusted = Mutex(true)
    private let waits = Mutex<[Duration]>([])
    private let action = Mutex<@Sendable () -> Void>({})

    init(waitMax: Duration = .seconds(60)) { self.waitMax = waitMax }

    func mayWrite(at now: Duration) -> Bool { isTrusted.withLock(\.self) }
    func mayStart(at now: Duration) -> Bool { true }
    func addWait(_ duration: Duration) {
        waits.withLock { $0.append(duration) }
        action.withLock(\.self)()
    }
    func whenWaiting(_ action: @escaping @Sendable () -> Void) { self.action.withLock { $0 = action } }
    var counts: BatchCounts {
        get { BatchCounts() }
        set {}
    }

    func loseLease() { isTrusted.withLock { $0 = false } }
    var waited: [Duration] { waits.withLock(\.self) }
    /// The waits before a second look: asking for quota counts as a wait, too, but takes no time here.
    var looks: [Duration] { waited.filter { $0 > .milliseconds(500) } }
}

/// Rows that are not there when they are read, and rows that are blank.
extension EngineTests {
    @Suite struct AbsentRecordsTests {
        private let blank = { (id: RecordID) in SourceRecord(id: id, memberCode: "m", content: .text(" \n\u{3000}")) }

        /// Works on all these records as on one batch.
        private func work(
            _ world: World,
            _ ids: [RecordID],
            permit: any WorkPermit = Permit(),
            portion: Int = 4 << 20
        ) async throws -> Result<WorkDone, WorkEnd> {
            await BatchWork(
                ports: world.ports,
                state: RunnerState(stop: StopSignal()),
                plan: try world.plan(portion: portion),
                ids: ids,
                permit: permit
            ).run()
        }

        private func counts(_ end: Result<WorkDone, WorkEnd>) -> [Int]? {
            guard case .success(let done) = end else { return nil }
            return [done.counts.processed, done.counts.skipped, done.counts.failed, done.counts.missing]
        }

        private func owners(_ world: World, _ ids: [RecordID]) async throws -> Set<RecordID> {
            Set(try await world.points.points(of: ids, owner: World.owner).map(\.recordID))
        }

        // MARK: The second look

        @Test func `a row that a replica has some seconds later is migrated, not missing`() async throws {
            let rows = World.rows(20)
            let world = try await World(rows: Array(rows.dropLast(5)), lag: { .seconds(4) })
            for row in rows.suffix(5) { world.source.put(row) }
            let ids = rows.map(\.id)
            #expect(counts(try await work(world, ids)) == [20, 0, 0, 0])
            #expect(try await owners(world, ids) == Set(ids))
        }

        @Test func `a row that lags by more than the gap is missing, and nothing is waited for again`() async throws {
            let rows = World.rows(3)
            let permit = Permit()
            let world = try await World(rows: Array(rows.dropLast()), lag: { .seconds(3600) })
            world.source.put(rows[2])
            #expect(counts(try await work(world, rows.map(\.id), permit: permit)) == [2, 0, 0, 1])
            #expect(permit.looks.count == 1)
        }

        @Test func `only what may be late is read twice`() async throws {
            let rows = World.rows(6)
            let reads = Moment(before: "mysql.records")
            let world = try await World(rows: rows, sourceFaults: reads.hook)
            let ids = rows.map(\.id)
            #expect(counts(try await work(world, ids)) == [6, 0, 0, 0])
            #expect(reads.count == 1)
            // A blank row without points, and one that cannot be read, are what they are.
            world.source.put(blank(ids[0] + 1))
            world.source.put(SourceRecord(id: ids[0] + 2, memberCode: nil, content: .text("a text")))
            #expect(counts(try await work(world, [ids[0] + 1, ids[0] + 2])) == [0, 1, 1, 0])
            #expect(reads.count == 2)
            world.source.delete(ids[0])
            #expect(counts(try await work(world, ids)) == [5, 0, 0, 1])
            #expect(reads.count == 4)
        }

        @Test func `a row that comes late may be blank, ownerless, too long or undecodable`() async throws {
            let ids: [RecordID] = [1, 2, 3, 4, 5]
            let second = Moment(before: "mysql.records")
            let world = try await World(rows: [], bytesMax: 200, sourceFaults: second.hook)
            second.at(2) { [source = world.source] in
                source.put(SourceRecord(id: 1, memberCode: "m", content: .null))
                source.put(SourceRecord(id: 2, memberCode: nil, content: .text("a text")))
                source.put(SourceRecord(id: 3, memberCode: "m", content: .text(String(repeating: "x", count: 201))))
                source.put(SourceRecord(id: 4, memberCode: "m", content: .undecodable))
            }
            #expect(counts(try await work(world, ids)) == [0, 1, 3, 1])
        }

        @Test func `a batch in many portions waits once`() async throws {
            let rows = World.rows(8)
            let world = try await World(rows: rows)
            let permit = Permit()
            let ids = rows.map(\.id)
            for id in ids.suffix(4) { world.source.delete(id) }
            #expect(counts(try await work(world, ids, permit: permit, portion: 1)) == [4, 0, 0, 4])
            #expect(permit.looks.count == 1)
            #expect(permit.looks.allSatisfy { $0 <= .seconds(5) })
        }

        @Test func `under a short lease the wait is shorter, and the batch is not given back`() async throws {
            let world = try await World(rows: [])
            let permit = Permit(waitMax: .seconds(1))
            #expect(counts(try await work(world, [1, 2], permit: permit)) == [0, 0, 0, 2])
            #expect(permit.waited == [.seconds(1)])
        }

        @Test func `blank rows that hold points use up what a runner waits for late rows`() {
            World.virtually { time in
                let rows = World.rows(100)
                let world = try await World(rows: rows, time: time)
                try await world.run()
                for row in rows { world.source.put(SourceRecord(id: row.id, memberCode: "m", content: .text(" "))) }
                let state = RunnerState(stop: StopSignal())
                let began = time.now
                for row in rows {
                    _ = await BatchWork(
                        ports: world.ports,
                        state: state,
                        plan: try world.plan(),
                        ids: [row.id],
                        permit: Permit()
                    ).run()
                }
                #expect(try await world.points.count(nil, owner: World.owner) == 0)
                #expect(time.now - began < .seconds(400), "five seconds for each of them would be 500")
            }
        }

        @Test func `a signal ends the wait, and nothing is counted`() async throws {
            let world = try await World(rows: [])
            let permit = Permit()
            permit.interruption.raise(.release)
            guard case .failure(.interrupted) = try await work(world, [1], permit: permit) else {
                return #expect(Bool(false), "it went on")
            }
        }

        @Test func `a signal during the wait ends it, and nothing is counted or removed`() async throws {
            let rows = World.rows(1)
            let world = try await World(rows: rows)
            try await world.run()
            world.source.delete(rows[0].id)
            let permit = Permit()
            permit.whenWaiting { permit.interruption.raise(.release) }
            guard case .failure(.interrupted) = try await work(world, [rows[0].id], permit: permit) else {
                return #expect(Bool(false), "it went on")
            }
            #expect(try await owners(world, [rows[0].id]) == [rows[0].id])
        }

        @Test func `a source that is out at the second look defers the batch`() async throws {
            let reads = Mutex(0)
            let hook = FaultHook(before: { call throws(PortFailure) in
                guard call == "mysql.records" else { return }
                let number = reads.withLock {
                    $0 += 1
                    return $0
                }
                if number > 1 { throw PortFailure(.unavailable, "connection refused") }
            })
            let world = try await World(rows: [], sourceFaults: hook)
            guard case .failure(.deferred(_, .source, _)) = try await work(world, [1]) else {
                return #expect(Bool(false), "not deferred")
            }
        }

        @Test func `many missing rows are told once for each batch`() async throws {
            let rows = World.rows(30)
            // A first claim may come before the plan; the first look at a batch comes after it.
            let vanish = Moment(before: "mysql.portions")
            let world = try await World(rows: rows, sourceFaults: vanish.hook)
            vanish.at(1) { [source = world.source] in
                for row in rows[10..<20] { source.delete(row.id) }
                source.delete(rows[0].id)
            }
            try await world.run(workers: 1)
            let stats = try await world.stats()
            #expect(stats.missing == 11)
            let told = world.events.compactMap { event -> [Int]? in
                guard case .manyMissing(let batch, let missing, let records) = event else { return nil }
                return [batch, missing, records]
            }
            #expect(told == [[0, 1, 10], [1, 10, 10]])
        }

        // MARK: Points of records without a text

        @Test func `rows that became blank or vanished lose their points, and the others cost nothing`() async throws {
            let rows = World.rows(40)
            let world = try await World(rows: rows)
            try await world.run()
            let ids = rows.map(\.id)
            let blanks: [SourceRecord.Content] = [.null, .text(""), .text(" \u{200B}\n "), .text("Page 3")]
            for (id, content) in zip(ids[3..<7], blanks) {
                world.source.put(SourceRecord(id: id, memberCode: "m", content: content))
            }
            for id in ids[7..<10] { world.source.delete(id) }
            let tokens = world.embedder.totals.tokens
            #expect(counts(try await work(world, ids)) == [33, 4, 0, 3])
            #expect(try await owners(world, ids) == Set(ids).subtracting(ids[3..<10]))
            #expect(world.embedder.totals.tokens == tokens)
            let removed = world.events.compactMap { event -> [Int]? in
                if case .pointsRemoved(let records, let points) = event { return [records, points] }
                return nil
            }
            #expect(removed == [[7, 14]])
            // And once more: nothing is left to remove.
            #expect(counts(try await work(world, ids)) == [33, 4, 0, 3])
        }

        @Test func `what fails keeps its points`() async throws {
            let rows = World.rows(4)
            let world = try await World(rows: rows, bytesMax: 200)
            try await world.run()
            let ids = rows.map(\.id)
            world.source.put(SourceRecord(id: ids[0], memberCode: nil, content: .text("Nobody's text.")))
            world.source.put(SourceRecord(id: ids[1], memberCode: "m", content: .undecodable))
            let long = String(repeating: "x", count: 201)
            world.source.put(SourceRecord(id: ids[2], memberCode: "m", content: .text(long)))
            #expect(counts(try await work(world, ids)) == [1, 0, 3, 0])
            #expect(try await owners(world, ids) == Set(ids))
        }

        @Test func `a blank row that has its text back at the second look keeps its points`() async throws {
            let rows = World.rows(2)
            let second = Moment(before: "mysql.records")
            let world = try await World(rows: rows, sourceFaults: second.hook)
            try await world.run()
            let ids = rows.map(\.id)
            let tokens = world.embedder.totals.tokens
            world.source.put(blank(ids[0]))
            second.at(2) { [source = world.source] in source.put(rows[0]) }
            #expect(counts(try await work(world, ids)) == [2, 0, 0, 0])
            #expect(world.embedder.totals.tokens == tokens)
            #expect(try await owners(world, ids) == Set(ids))
        }

        @Test func `what somebody writes between the look and the deletion stays`() async throws {
            let rows = World.rows(1)
            let deletion = Moment(before: "qdrant.delete")
            let world = try await World(rows: rows, pointFaults: deletion.hook)
            try await world.run()
            let id = rows[0].id
            world.source.delete(id)
            // The row is inserted again, with another text, and another worker is faster.
            let back = SourceRecord(id: id, memberCode: "member-0", content: .text("Another text."))
            let points = try allPoints(of: [back], world)
            deletion.at(1) { [store = world.points] in try? await store.upsert(points) }
            #expect(counts(try await work(world, [id])) == [0, 0, 0, 1])
            #expect(try await world.points.points(of: [id], owner: World.owner).count == 2)
        }

        @Test func `a worker whose lease is lost removes nothing`() async throws {
            let rows = World.rows(2)
            let second = Moment(before: "mysql.records")
            let world = try await World(rows: rows, sourceFaults: second.hook)
            try await world.run()
            let ids = rows.map(\.id)
            let permit = Permit()
            second.at(2) { permit.loseLease() }
            world.source.delete(ids[0])
            world.source.put(blank(ids[1]))
            guard case .failure(.untrusted) = try await work(world, ids, permit: permit) else {
                return #expect(Bool(false), "it went on")
            }
            #expect(try await owners(world, ids) == Set(ids))
        }

        @Test func `a store that is out when points go defers the batch, and the next attempt removes them`()
            async throws
        {
            let rows = World.rows(2)
            let outage = Outage(of: "qdrant.delete")
            let world = try await World(rows: rows, pointFaults: outage.hook)
            try await world.run()
            let ids = rows.map(\.id)
            world.source.delete(ids[0])
            guard case .failure(.deferred(_, .points, _)) = try await work(world, ids) else {
                return #expect(Bool(false), "not deferred")
            }
            outage.end()
            #expect(counts(try await work(world, ids)) == [1, 0, 0, 1])
            #expect(try await owners(world, ids) == [ids[1]])
        }

        @Test func `a dry run counts the points that would go`() async throws {
            let rows = World.rows(6)
            let world = try await World(rows: rows)
            try await world.run()
            world.source.put(blank(rows[1].id))
            let paging = PlanPaging(batchSize: 3, limit: nil)
            let report = try await DryRun(ports: world.ports, stop: StopSignal(), plan: world.plan(), paging: paging)
                .run { _ in }
            #expect(report.skipped == 1)
            #expect(report.deletes == 2)
        }

        // MARK: Verify

        @Test func `verify looks twice before it says that a row has vanished`() async throws {
            let rows = World.rows(10)
            let second = Moment(before: "mysql.records")
            let world = try await World(rows: rows, sourceFaults: second.hook)
            try await world.run()
            world.source.delete(rows[4].id)
            second.at(2) { [source = world.source] in source.put(rows[4]) }
            let report = try await world.verify()
            #expect(report.isRight)
            #expect(report.right == 10)
            #expect(second.count == 2)
        }

        @Test func `verify waits once for a job with vanished rows in each batch`() async throws {
            let rows = World.rows(60)
            let world = try await World(rows: rows)
            try await world.run()
            for row in rows where row.id % 2 == 0 { world.source.delete(row.id) }
            let began = world.time.now
            let report = try await world.verify()
            #expect(report.findings.count == rows.count { $0.id % 2 == 0 })
            #expect(report.findings.allSatisfy { $0.kind == .unexpected })
            #expect(report.findings.map(\.batch) == report.findings.map(\.batch).sorted())
            // Six batches: with a wait in each it would be 30 s.
            #expect(world.time.now - began < .seconds(20))
        }

        @Test func `a repair removes the points of blank and vanished rows`() async throws {
            let rows = World.rows(20)
            let world = try await World(rows: rows)
            try await world.run()
            world.source.put(blank(rows[3].id))
            world.source.delete(rows[4].id)
            world.source.put(SourceRecord(id: rows[5].id, memberCode: nil, content: .text("Nobody's text.")))
            let repaired = try await world.verify(repairs: true)
            #expect(repaired.findings.map(\.kind) == [.unexpected, .unexpected, .stale])
            #expect(repaired.findings.map(\.isRepaired) == [true, true, false])
            let again = try await world.verify()
            #expect(again.findings.map(\.record) == [rows[5].id])
            #expect([again.blank, again.vanished] == [1, 1])
        }

        private func allPoints(of rows: [SourceRecord], _ world: World) throws -> [Point] {
            let shaper = try world.plan().shaper
            return rows.flatMap { row -> [Point] in
                guard case .points(let shape) = shaper.shape(row) else { return [] }
                let vector = [Float](repeating: 0.25, count: World.schema.dimensions)
                let vectors = shape.children.map { _ in vector }
                return shape.points(
                    vectors: vectors,
                    collectionIDs: [],
                    shaper: shaper,
                    source: World.owner.source
                )
            }
        }
    }
}
