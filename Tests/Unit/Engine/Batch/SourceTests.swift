import Engine
import Migration
import Synchronization
import Testing
import TextProcessing

@testable import Fakes

extension EngineTests {
    /// Points of several sources, and of none, in one collection.
    @Suite struct SourceTests {
        /// The calls that reached the collection.
        private final class Calls: Sendable {
            private let names = Mutex<[String]>([])
            var all: [String] { names.withLock(\.self) }
            var hook: FaultHook {
                FaultHook(after: { [self] name throws(PortFailure) in names.withLock { $0.append(name) } })
            }
        }

        /// Takes the source out of points, as if a version that did not know the key had written them.
        private func unmark(_ world: World, _ ids: Set<PointID>? = nil) throws {
            try world.points.engine.with(world.points.collection) { collection in
                let keys = collection.points.keys.filter { key in
                    guard let ids else { return true }
                    return ids.contains { .uuid($0) == key }
                }
                collection.changePayload(of: keys) { $0["source"] = nil }
            }
        }

        private func stored(_ world: World) async throws -> [StoredPoint] {
            try await world.points.points(of: World.rows(60).map(\.id), owner: World.owner).sorted { $0.id < $1.id }
        }

        @Test func `a collection of the version before costs no tokens and no deletions, and is marked once`()
            async throws
        {
            let calls = Calls()
            let rows = CollectionBeforeSources.rows
            let world = try await World(rows: rows, pointFaults: calls.hook)
            for (id, payload) in CollectionBeforeSources.points {
                try world.points.engine.write(id, payload: payload, into: world.points.collection)
            }
            let before = try await world.points.points(of: rows.map(\.id), owner: World.owner)
            #expect(before.count == CollectionBeforeSources.points.count)
            #expect(before.allSatisfy { $0.source == nil })

            try await world.run()
            #expect(try await world.stats().processed == 3)
            #expect(world.embedder.totals.texts == 0)
            #expect(!calls.all.contains("qdrant.upsert") && !calls.all.contains("qdrant.delete"))
            let after = try await world.points.points(of: rows.map(\.id), owner: World.owner)
            #expect(after.sorted { $0.id < $1.id } == marked(before).sorted { $0.id < $1.id })

            let marks = calls.all.count { $0 == "qdrant.mark" }
            #expect(marks == 1)
            try await world.run()
            #expect(calls.all.count { $0 == "qdrant.mark" } == marks)
        }

        private func marked(_ points: [StoredPoint]) -> [StoredPoint] {
            points.map { point in
                var point = point
                point.source = World.owner.source
                return point
            }
        }

        @Test func `the missing key alone is no finding, and verify --repair does not pay for it`() async throws {
            let world = try await World(rows: World.rows(12))
            try await world.run()
            try unmark(world)
            let paid = world.embedder.totals.texts
            for repairs in [false, true] {
                let report = try await world.verify(repairs: repairs)
                #expect(report.isRight && report.findings.isEmpty)
                #expect(report.right == 12 && report.strangers == 0)
            }
            #expect(world.embedder.totals.texts == paid)
        }

        @Test func `a record that is half marked is unchanged, and the rest of it is marked`() async throws {
            let world = try await World(rows: World.rows(5))
            try await world.run()
            let all = try await stored(world)
            try unmark(world, Set(all.prefix(3).map(\.id)))
            let paid = world.embedder.totals.texts
            try await world.run()
            #expect(try await stored(world) == all)
            #expect(world.embedder.totals.texts == paid)
        }

        @Test func `an unmarked older version is replaced when its record is rewritten`() async throws {
            let world = try await World(rows: World.rows(5))
            try await world.run()
            try unmark(world)
            let row = World.rows(5)[2]
            world.source.put(SourceRecord(id: row.id, memberCode: "another", content: row.content))
            try await world.run()
            let now = try await world.points.points(of: [row.id], owner: World.owner)
            #expect(now.count == 2 && now.allSatisfy { $0.source == World.owner.source && $0.memberCode == "another" })
        }

        @Test func `foreign unmarked points are neither read nor replaced nor marked`() async throws {
            let world = try await World(rows: World.rows(5))
            try await world.run()
            try unmark(world)
            let before = try await stored(world)
            var plan = try world.plan()
            // Another namespace gives other ids, as `run` demands it of two sources in one collection.
            plan.owner = PointOwner(source: World.owner.source, ownsUnmarked: false)
            let row = World.rows(5)[2]
            world.source.put(SourceRecord(id: row.id, memberCode: "another", content: row.content))
            let ids = [row.id]
            let work = BatchWork(
                ports: world.ports,
                state: RunnerState(stop: StopSignal()),
                plan: plan,
                ids: ids,
                permit: FreePermit(interruption: StopSignal())
            )
            guard case .success(let done) = await work.run() else {
                Issue.record("it did not end")
                return
            }
            #expect(done.counts.processed == 1)
            let after = try await world.points.points(of: ids, owner: World.owner)
            #expect(after.filter { $0.source == nil } == before.filter { $0.recordID == row.id })
            #expect(after.count == 4)
        }

        @Test func `points of another source with the same record ids are left alone by run and verify`() async throws {
            let rows = World.rows(8)
            let world = try await World(rows: rows)
            let theirs = rows.map { row in
                Point(
                    id: PointID(high: 5, low: UInt64(row.id)),
                    recordID: row.id,
                    memberCode: "shop",
                    collectionIDs: [3],
                    checksum: "theirs",
                    profile: "theirs",
                    source: "shop.memos",
                    parentIndex: 0,
                    body: .parent(text: "theirs")
                )
            }
            try await world.points.upsert(theirs)
            let other = PointOwner(source: "shop.memos", ownsUnmarked: false)
            let before = try await world.points.points(of: rows.map(\.id), owner: other)
            try await world.run()
            for (number, row) in rows.enumerated() {
                let text = "A new text, number \(number)."
                world.source.put(SourceRecord(id: row.id, memberCode: "m", content: .text(text)))
            }
            world.source.delete(rows[7].id)
            try await world.run()
            let report = try await world.verify(2, repairs: true)
            #expect(report.findings.allSatisfy { $0.isRepaired })
            // The deleted row is in no plan now; the other source's points are no strangers.
            #expect(report.strangers == 2)
            #expect(try await world.points.points(of: rows.map(\.id), owner: other) == before)
            let ours = try await world.points.points(of: rows.map(\.id), owner: World.owner)
            #expect(ours.allSatisfy { $0.collectionIDs.isEmpty }, "the other source's lists were carried over")
        }

        @Test func `points without a source of a record that is gone stay, and verify says so`() async throws {
            let world = try await World(rows: World.rows(4))
            try await world.run()
            let rows = World.rows(4)
            let kept = try await world.points.points(of: [rows[0].id], owner: World.owner)
            try unmark(world, Set(kept.map(\.id)))
            world.source.delete(rows[0].id)
            world.source.delete(rows[1].id)
            let report = try await world.verify(repairs: true)
            #expect(report.findings.map(\.isRepaired) == [true])
            #expect(report.kept == kept.count)
            #expect(try await world.points.points(of: [rows[0].id], owner: World.owner).count == kept.count)
            #expect(try await world.points.points(of: [rows[1].id], owner: World.owner).isEmpty)
        }
    }
}
