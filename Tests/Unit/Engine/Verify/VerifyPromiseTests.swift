import Engine
import Migration
import Synchronization
import Testing
import TextProcessing

@testable import Fakes

/// What `verify` promises when it says that a job is complete.
extension EngineTests {
    @Suite struct VerifyPromiseTests {
        /// Another application changes the payload of some points of a record.
        private func tamper(
            _ world: World,
            _ record: RecordID,
            _ kind: PointKind? = nil,
            _ change: @escaping @Sendable (inout [String: JSONValue]) -> Void
        ) throws {
            try world.points.engine.with(world.points.collection) { collection in
                let keys = collection.points.keys.filter { key in
                    let payload = collection.points[key]?.payload
                    return payload?["summary_id"]?.integer == record
                        && (kind == nil || payload?["type"]?.string == kind?.rawValue)
                }
                collection.changePayload(of: keys, change)
            }
        }

        private func found(_ report: VerificationReport) -> [String] {
            report.findings.map { "\($0.kind.rawValue) \($0.points)" }
        }

        private func verify(
            _ world: World,
            isDeep: Bool = false,
            repairs: Bool = false,
            owner: PointOwner = World.owner
        ) async throws -> VerificationReport {
            var plan = try world.plan()
            plan.owner = owner
            return try await Verifier(
                ports: world.ports,
                stop: StopSignal(),
                plan: plan,
                isDeep: isDeep,
                repairs: repairs
            ).run(1) { _ in }
        }

        /// A job of ten records that is complete.
        private func complete() async throws -> World {
            let world = try await World(rows: World.rows(10))
            try await world.run()
            #expect(try await verify(world, isDeep: true).verdict == .complete)
            return world
        }

        private static let record = World.rows(10)[4].id

        private static let changes:
            [(change: @Sendable (inout [String: JSONValue]) -> Void, kind: PointKind?, found: String)] = [
                ({ $0["member_code"] = "another" }, nil, "member_code 2"),
                ({ $0["member_code"] = "another" }, .child, "member_code 1"),
                ({ $0["member_code"] = nil }, .parent, "member_code 1"),
                ({ $0["member_code"] = 5 }, .child, "member_code 1"),
                ({ $0["source"] = "shop.memos" }, nil, "source 2"),
                ({ $0["source"] = "" }, .child, "source 1"),
                ({ $0["parent_idx"] = 7 }, .parent, "place 1"),
                ({ $0["parent_idx"] = nil }, .child, "place 1"),
                ({ $0["chunk_index"] = 3 }, .child, "place 1"),
                ({ $0["chunk_index"] = 0 }, .parent, "place 1"),
                ({ $0["type"] = "child" }, .parent, "place 1"),
                ({ $0["type"] = nil }, .child, "place 1"),
                ({ $0["summary_id"] = 1 }, .child, "place 1"),
                ({ $0["checksum"] = "0" }, .child, "stale 1"),
                ({ $0["profile"] = "another" }, .child, "stale 1"),
                ({ $0["profile"] = nil }, .parent, "stale 1"),
            ]

        @Test(arguments: changes.indices)
        func `a payload that somebody has changed is found and repaired`(number: Int) async throws {
            let world = try await complete()
            let (change, kind, expected) = Self.changes[number]
            try tamper(world, Self.record, kind, change)
            let report = try await verify(world)
            #expect(found(report) == [expected])
            #expect(report.findings.map(\.record) == [Self.record])
            #expect(report.verdict == .wrong)
            #expect(report.right == 9)
            let repaired = try await verify(world, repairs: true)
            #expect(found(repaired) == [expected])
            #expect(repaired.verdict == .complete)
            let again = try await verify(world, isDeep: true)
            #expect(again.findings.isEmpty && again.right == 10)
        }

        private static let deepChanges:
            [(change: @Sendable (inout [String: JSONValue]) -> Void, kind: PointKind, found: String)] = [
                ({ $0["text"] = "another text" }, .child, "text 1"),
                ({ $0["text"] = nil }, .child, "text 1"),
                ({ $0["text"] = "" }, .child, "text 1"),
                ({ $0["parent_text"] = "another text" }, .parent, "text 1"),
                ({ $0["parent_text"] = 5 }, .parent, "text 1"),
                ({ $0["parent_id"] = "00000000-0000-0000-0000-000000000001" }, .child, "place 1"),
                ({ $0["parent_id"] = nil }, .child, "place 1"),
            ]

        @Test(arguments: deepChanges.indices)
        func `a stored text that somebody has changed is found in depth alone, and repaired`(number: Int) async throws {
            let world = try await complete()
            let (change, kind, expected) = Self.deepChanges[number]
            try tamper(world, Self.record, kind, change)
            #expect(try await verify(world).verdict == .complete)
            let report = try await verify(world, isDeep: true)
            #expect(found(report) == [expected])
            #expect(report.verdict == .wrong)
            // A repair that does not look so deep leaves it.
            #expect(try await verify(world, repairs: true).findings.isEmpty)
            #expect(try await verify(world, isDeep: true, repairs: true).verdict == .complete)
            #expect(try await verify(world, isDeep: true).findings.isEmpty)
        }

        @Test func `a repair keeps what somebody has set since, and pays for nothing else`() async throws {
            let world = try await complete()
            try tamper(world, Self.record) {
                $0["member_code"] = "another"
                $0["collection_ids"] = [3, 9]
            }
            let texts = world.embedder.totals.texts
            #expect(try await verify(world, repairs: true).verdict == .complete)
            #expect(world.embedder.totals.texts == texts + 1)
            let points = try await world.points.points(of: [Self.record], owner: World.owner)
            #expect(points.map(\.collectionIDs) == [[3, 9], [3, 9]])
        }

        @Test func `texts are read in pages`() async throws {
            let pages = Mutex(0)
            let hook = FaultHook(before: { call throws(PortFailure) in
                if call == "qdrant.contents" { pages.withLock { $0 += 1 } }
            })
            let world = try await World(rows: World.rows(120), pointFaults: hook)
            try await world.run(batchSize: 120)
            #expect(try await verify(world).right == 120)
            #expect(pages.withLock(\.self) == 0, "without --deep no text is read")
            #expect(try await verify(world, isDeep: true).right == 120)
            #expect(pages.withLock(\.self) == 3, "240 points, 100 at once")
        }

        @Test func `a point without a source is no finding`() async throws {
            let world = try await complete()
            try tamper(world, Self.record) { $0["source"] = nil }
            let report = try await verify(world, isDeep: true)
            #expect(report.findings.isEmpty && report.right == 10)
            // But where such points are another application's, ours are not there.
            let foreign = PointOwner(source: World.owner.source, ownsUnmarked: false)
            #expect(found(try await verify(world, owner: foreign)) == ["source 2"])
        }

        @Test func `points of a dead letter need not be there, but are right or a finding`() async throws {
            let refused = "Record 4 tells"
            let world = try await complete()
            world.embedder.update { $0.refusesText = { $0.hasPrefix(refused) || $0.hasPrefix("Changed") } }
            world.source.put(SourceRecord(id: Self.record, memberCode: "member-1", content: .text("Changed.")))
            try await world.run()
            let report = try await Verifier(
                ports: world.ports,
                stop: StopSignal(),
                plan: world.plan(),
                repairs: false
            ).run(2) { _ in }
            #expect(report.failures.map(\.recordId) == [Self.record])
            #expect(report.findings.allSatisfy { $0.record == Self.record && $0.kind != .missing })
        }

        // MARK: The verdict

        @Test func `failed records are not complete, and their number is said`() async throws {
            var rows = World.rows(10)
            rows[3] = SourceRecord(id: rows[3].id, memberCode: nil, content: .text("Nobody's."))
            let world = try await World(rows: rows)
            try await world.run()
            let report = try await verify(world)
            #expect(report.verdict == .failed)
            #expect(!report.isRight)
            #expect(report.failures.count == 1)
        }

        @Test func `a row that vanished without points is no loss`() async throws {
            let world = try await World(rows: World.rows(10))
            let vanish = World.rows(10)[2].id
            try await world.run()
            world.source.delete(vanish)
            #expect(try await verify(world, repairs: true).verdict == .complete)
            let report = try await verify(world)
            #expect(report.verdict == .complete)
            #expect(report.vanished == 1)
        }

        @Test func `a row that the job has called missing and that is there is a finding`() async throws {
            let row = World.rows(10)[2]
            let source = Mutex<FakeMySQL?>(nil)
            let world = try await World(
                rows: World.rows(10),
                // A first claim may come before the plan; the first look at a batch comes after it.
                sourceFaults: FaultHook(before: { call throws(PortFailure) in
                    if call == "mysql.portions" { source.withLock(\.self)?.delete(row.id) }
                })
            )
            source.withLock { $0 = world.source }
            try await world.run()
            #expect(try await world.stats().missing == 1)
            source.withLock { $0 = nil }
            world.source.put(row)
            let report = try await verify(world)
            #expect(found(report) == ["missing 2"])
            #expect(report.verdict == .wrong)
            #expect(try await verify(world, repairs: true).verdict == .complete)
            #expect(try await verify(world).right == 10)
        }

        @Test func `an unfinished plan, open batches and other states are said`() async throws {
            let world = try await World(rows: World.rows(20))
            let open = world.opening()
            let opened = try await world.store.openJob(open)
            #expect(try await verify(world).verdict == .notPlanned, "nothing is planned yet")
            let ids = World.rows(20).map(\.id)
            let append = AppendIngestionBatches(
                job: 1,
                epoch: opened.epoch,
                token: open.token,
                expectedCursor: nil,
                batches: [Array(ids[..<10])]
            )
            _ = try await world.store.appendBatches(append)
            let planned = try await verify(world)
            #expect(planned.verdict == .notPlanned)
            #expect(planned.open == 10)
            #expect(planned.late == 0, "what is not planned yet has not come late")
            for action in [ControlIngestionJob.Action.pause, .resume, .cancel] {
                _ = try await world.store.control(.init(job: 1, action: action, reason: "test"))
                #expect(try await verify(world).verdict == .notPlanned)
            }
        }

        @Test func `batches that are left are not finished, and what is wrong in the others is said first`()
            async throws
        {
            let stop = StopSignal()
            let stopping = try await World(
                rows: World.rows(40),
                storeFaults: FaultHook(after: { call throws(PortFailure) in
                    if call == FinishBatch.function { stop.raise(.drain) }
                })
            )
            try await stopping.run(workers: 1, stop: stop)
            let report = try await verify(stopping)
            #expect(report.verdict == .notFinished || report.verdict == .notPlanned)
            #expect(report.right == 10)
            let first = World.rows(40)[0].id
            try tamper(stopping, first) { $0["member_code"] = "another" }
            #expect(try await verify(stopping).verdict == .wrong)
        }

        @Test func `without a collection verify stops`() async throws {
            let world = try await complete()
            _ = world.points.engine.drop(world.points.collection)
            await #expect(throws: ServiceFailure.self) { try await verify(world) }
        }
    }
}
