import Engine
import Fakes
import Invariants
import Migration
import Synchronization
import Testing

/// What a verification asks the store for.
extension EngineTests {
    @Suite struct VerifyReadingTests {
        /// Every batch once, to be compared; and those of later rounds once more, before.
        @Test(arguments: [0, 1, 4]) func `is each batch once, and what requeues have made`(refused: Int) {
            World.virtually { time in
                let read = Mutex([Int]())
                let world = try await World(
                    rows: World.rows(100),
                    time: time,
                    storeLog: { step in
                        guard let page = step.answer?.value(ListIngestionBatches.Answer.self) else { return }
                        read.withLock { $0 += page.rows.map(\.batchNumber) }
                    }
                )
                let words = (0..<refused).map { "Record \($0 * 20 + 3) " }
                world.embedder.update { $0.refusesText = { text in words.contains { text.hasPrefix($0) } } }
                try await world.run()
                world.embedder.update { $0.refusesText = { _ in false } }
                let answer = try await world.store.requeueRecords(
                    .init(job: 1, requestId: SeededEntropy(9).uuid(), filter: .init(), batchSize: 1, limit: 100)
                )
                #expect(answer.batches == refused)
                if refused > 0 { try await world.run() }
                read.withLock { $0 = [] }
                let report = try await world.verify()
                #expect(report.findings.isEmpty && report.right == 100)
                let later = Array(10..<10 + refused)
                #expect(read.withLock(\.self) == later + Array(0..<10 + refused))
            }
        }
    }
}
