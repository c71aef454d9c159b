import Engine
import Fakes
import Migration
import Synchronization
import Testing
import TextProcessing

/// Records that take many requests: written in parts, so that an attempt that ends has kept what it paid for.
extension EngineTests {
    @Suite struct PartsTests {
        private static let id: RecordID = 77
        private static let limits = try? ChunkLimits(
            parentMaxTokens: 64,
            parentChunkSize: 64,
            chunkSize: 32,
            chunkOverlap: 4
        )

        private static func text(_ words: Int, _ prefix: String = "word") -> String {
            (0..<words).map { "\(prefix)\($0)" }.joined(separator: " ")
        }

        /// Requests of at most so many tokens, far fewer than the record has.
        private func plan(_ world: World, tokens: Int = 64) throws -> BatchWork.Plan {
            BatchWork.Plan(
                shaper: try world.plan(limits: try #require(Self.limits)).shaper,
                owner: World.owner,
                limits: RequestLimits(inputsMax: 100, tokensMax: tokens),
                pointsPerWrite: FakeQdrant.pointsPerWrite,
                quota: QuotaGate(name: "q", tokensPerMinute: nil, requestsPerMinute: nil),
                schema: World.schema
            )
        }

        private func payments(_ world: World) -> [Int] {
            let probe = FakeOpenAI.hash(of: BatchWork.probeText)
            let texts = world.embedder.effects.map(\.text).filter { $0 != probe }
            return texts.reduce(into: [UInt64: Int]()) { counts, text in counts[text, default: 0] += 1 }
                .values.sorted()
        }

        private func row(_ text: String) -> SourceRecord {
            SourceRecord(id: Self.id, memberCode: "m", content: .text(text))
        }

        /// An embedder that goes away after every third request, for as long as a batch waits for it.
        private func flakyEmbedder() -> FaultHook {
            let calls = Mutex(0)
            return FaultHook(before: { call throws(PortFailure) in
                guard call == "openai.embed" else { return }
                let number = calls.withLock {
                    $0 += 1
                    return $0
                }
                // Eight failures in a row: six tries and two probes.
                if number % 11 > 2 { throw PortFailure(.unavailable, "connection refused") }
            })
        }

        @Test func `a record that is interrupted again and again pays for each of its texts once`() async throws {
            let world = try await World(rows: [row(Self.text(300))], embedderFaults: flakyEmbedder())
            let settings = JobSettings(maxRetries: 0, leaseSeconds: 120, batchTimeoutSeconds: 600)
            guard case .jobEnded(.completed) = try await world.run(workers: 1, settings: settings, plan: plan(world))
            else {
                Issue.record("it did not complete")
                return
            }
            let stats = try await world.stats()
            #expect(stats.processed == 1)
            #expect(stats.defers > 0, "it was interrupted")
            #expect(payments(world).count > 8)
            #expect(payments(world).allSatisfy { $0 == 1 })
        }

        @Test func `a runner that leaves in the middle of a record has kept what it paid for`() async throws {
            let calls = Mutex(0)
            let stop = StopSignal()
            let hook = FaultHook(after: { call throws(PortFailure) in
                guard call == "qdrant.upsert" else { return }
                if calls.withLock({
                    $0 += 1
                    return $0
                }) == 3 {
                    stop.raise(.release)
                }
            })
            let world = try await World(rows: [row(Self.text(300))], pointFaults: hook)
            _ = try await world.run(workers: 1, stop: stop, plan: plan(world))
            let there = try await world.points.count(.child, owner: World.owner)
            #expect(there > 0, "parts are written")
            _ = try await world.run(workers: 1, plan: plan(world))
            #expect(try await world.stats().processed == 1)
            // What was on its way when it left is lost: one request of at most two texts.
            #expect(payments(world).count { $0 > 1 } <= 2, "\(payments(world))")
        }

        /// Looks at the collection of a world between two of its requests.
        private final class Bystander: Sendable {
            let points = Mutex<FakeQdrant?>(nil)
            /// Older points that were still there after each write, and whether all new ones were at each deletion.
            let log = Mutex<[Int]>([])
            let upserts = Mutex(0)

            /// Another application sets `collection_ids` on every point of the record.
            func set(_ ids: [Int64], on record: RecordID) async throws(PortFailure) {
                guard let points = points.withLock(\.self) else { return }
                for point in try await points.points(of: [record], owner: World.owner) {
                    let changed = Point(
                        id: point.id,
                        recordID: point.recordID,
                        memberCode: "m",
                        collectionIDs: ids,
                        checksum: point.checksum ?? "",
                        profile: point.profile ?? "",
                        source: World.owner.source,
                        parentIndex: point.parentIndex ?? 0,
                        body: .parent(text: "set")
                    )
                    try await points.upsert([changed])
                }
            }
        }

        @Test func `the older version stays until every new point is there, and what somebody sets meanwhile is kept`()
            async throws
        {
            let bystander = Bystander()
            let hook = FaultHook(after: { call throws(PortFailure) in
                guard call == "openai.embed", let points = bystander.points.withLock(\.self) else { return }
                let count = bystander.upserts.withLock {
                    $0 += 1
                    return $0
                }
                bystander.log.withLock { $0.append(0) }
                let present = try await points.points(of: [Self.id], owner: World.owner).count { $0.profile == "older" }
                bystander.log.withLock { $0[count - 1] = present }
                if count == 3 { try await bystander.set([4, 5], on: Self.id) }
            })
            let world = try await World(rows: [row(Self.text(150, "new"))], embedderFaults: hook)
            // Ten points of an older text that have no successor.
            let older = (0..<10).map { number in
                Point(
                    id: PointID(high: 9, low: UInt64(number)),
                    recordID: Self.id,
                    memberCode: "m",
                    collectionIDs: [4],
                    checksum: "older",
                    profile: "older",
                    source: World.owner.source,
                    parentIndex: 0,
                    body: .parent(text: "older")
                )
            }
            try await world.points.upsert(older)
            bystander.points.withLock { $0 = world.points }
            try await world.run(workers: 1, plan: plan(world))
            let log = bystander.log.withLock(\.self)
            #expect(log.count > 4, "it took several requests")
            #expect(log.allSatisfy { $0 == 10 }, "the older points are there while parts are written: \(log)")
            let now = try await world.points.points(of: [Self.id], owner: World.owner)
            #expect(now.allSatisfy { $0.profile != "older" }, "and gone at the end")
            #expect(now.allSatisfy { $0.collectionIDs == [4, 5] })
        }

        @Test func `what somebody sets between two requests of a new record is on all of its points`() async throws {
            let bystander = Bystander()
            let hook = FaultHook(after: { call throws(PortFailure) in
                guard call == "openai.embed" else { return }
                let count = bystander.upserts.withLock {
                    $0 += 1
                    return $0
                }
                if count == 3 { try await bystander.set([4, 5], on: Self.id) }
            })
            let world = try await World(rows: [row(Self.text(150, "new"))], embedderFaults: hook)
            bystander.points.withLock { $0 = world.points }
            try await world.run(workers: 1, plan: plan(world))
            let now = try await world.points.points(of: [Self.id], owner: World.owner)
            #expect(now.count > 4)
            #expect(now.allSatisfy { $0.collectionIDs == [4, 5] })
        }

        @Test func `a hung embedder is not the batch's own slowness`() async throws {
            let calls = Mutex(0)
            let world = try await World(
                rows: World.rows(3),
                embedderFaults: FaultHook(before: { call throws(PortFailure) in
                    guard call == "openai.embed",
                        calls.withLock({
                            $0 += 1
                            return $0
                        }) <= 4
                    else { return }
                    // A minute each of the fast clock, and no answer.
                    try? await ContinuousClock().sleep(for: .seconds(6))
                    throw PortFailure(.outcomeUnknown, "no answer within 60 s")
                })
            )
            let settings = JobSettings(maxRetries: 0, leaseSeconds: 60, batchTimeoutSeconds: 150)
            guard case .jobEnded(.completed) = try await world.run(workers: 1, settings: settings) else {
                Issue.record("it did not complete")
                return
            }
            let stats = try await world.stats()
            #expect(stats.processed == 3)
            #expect(stats.retries == 0 && stats.failedRecords == 0)
        }
    }
}
