import Engine
import Fakes
import Migration
import Synchronization
import Testing
import TextProcessing

/// A record of many requests, and everything that can interrupt it.
@Suite(.heavy) struct `A record that is interrupted` {
    /// What may go wrong in the middle of a record, and where: three calls go well, then eight fail.
    private static let interruptions: [(call: String, failure: PortFailure)] = [
        ("openai.embed", PortFailure(.outcomeUnknown, "no answer within 60 s")),
        ("openai.embed", PortFailure(.throttled(retryAfter: .seconds(1)), "slow down")),
        ("openai.embed", PortFailure(.throttled(retryAfter: .seconds(70)), "slow down")),
        ("openai.embed", PortFailure(.throttled(retryAfter: nil), "slow down")),
        ("qdrant.upsert", PortFailure(.unavailable, "connection refused")),
        ("qdrant.upsert", PortFailure(.outcomeUnknown, "no answer within 60 s")),
        ("qdrant.upsert", PortFailure(.throttled(retryAfter: .seconds(2)), "too many requests")),
        ("qdrant.points", PortFailure(.unavailable, "connection refused")),
        ("qdrant.points", PortFailure(.throttled(retryAfter: nil), "too many requests")),
        ("mysql.records", PortFailure(.unavailable, "the server has gone away")),
        (ReserveQuota.function, PortFailure(.outcomeUnknown, "no answer")),
    ]

    @Test(arguments: interruptions.indices)
    func `is paid for once, as far as it was written`(number: Int) {
        let (faulty, failure) = Self.interruptions[number]
        let calls = Mutex(0)
        let hook = FaultHook(before: { call throws(PortFailure) in
            guard call == faulty else { return }
            let count = calls.withLock { calls in
                calls += 1
                return calls
            }
            switch failure.kind {
            // Longer than a batch waits: once is enough.
            case .throttled(retryAfter: .seconds(70)): if count == 4 { throw failure }
            // A batch makes few such calls, and the first ones fail.
            case .unavailable where call == "mysql.records": if count <= 8 { throw failure }
            default: if count % 11 > 2 { throw failure }
            }
        })
        World.virtually { time in
            let text = (0..<300).map { "word\($0)" }.joined(separator: " ")
            let world = try await World(
                rows: [SourceRecord(id: 77, memberCode: "m", content: .text(text))],
                time: time,
                storeFaults: hook,
                sourceFaults: hook,
                embedderFaults: hook,
                pointFaults: hook
            )
            let chunks = try ChunkLimits(parentMaxTokens: 64, parentChunkSize: 64, chunkSize: 32, chunkOverlap: 4)
            let plan = BatchWork.Plan(
                shaper: try world.plan(limits: chunks).shaper,
                owner: World.owner,
                limits: RequestLimits(inputsMax: 100, tokensMax: 64),
                pointsPerWrite: FakeQdrant.pointsPerWrite,
                quota: QuotaGate(name: "q", tokensPerMinute: 1_000_000, requestsPerMinute: nil),
                schema: World.schema
            )
            let settings = JobSettings(maxRetries: 0, leaseSeconds: 120, batchTimeoutSeconds: 600)
            guard case .jobEnded(.completed) = try await world.run(workers: 1, settings: settings, plan: plan) else {
                Issue.record("it did not complete")
                return
            }
            let stats = try await world.stats()
            #expect(stats.processed == 1)
            #expect(calls.withLock(\.self) > 3, "\(faulty) interrupted it")
            let probe = FakeOpenAI.hash(of: BatchWork.probeText)
            let payments = Dictionary(grouping: world.embedder.effects.map(\.text).filter { $0 != probe }) { $0 }
            #expect(payments.count > 8)
            // A collection that goes away right after the embedder has answered costs that request: two texts, or three where
            // the last one is short.
            let lostMax = faulty.hasPrefix("qdrant") ? 3 * stats.defers : 0
            #expect(payments.values.reduce(0) { $0 + $1.count - 1 } <= lostMax, "\(faulty)")
        }
    }
}
