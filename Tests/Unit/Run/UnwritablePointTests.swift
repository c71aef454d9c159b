import Fakes
import Migration
import Testing

/// One point that can never be written, whatever the server says of it.
@Suite(.heavy) struct `A point that can never be written` {
    @Test(arguments: Trouble.allCases, [PointKind.child, .parent])
    func `fails alone, and its text is paid for once`(trouble: Trouble, kind: PointKind) {
        World.virtually { time in
            let bad = World.rows(60)[17].id
            let world = try await World(
                rows: World.rows(60),
                time: time,
                troubles: { $0.summaryID == bad && $0.kind == kind ? trouble : nil }
            )
            guard case .jobEnded(.completed) = try await world.run(workers: 2, batchSize: 20) else {
                Issue.record("the job did not complete")
                return
            }
            #expect(try await world.stats().processed == 59)
            let list = ListIngestionFailures(job: 1, filter: .init(open: true), after: nil, limit: 100)
            let letters = try await world.store.failures(list).rows
            #expect(letters.map(\.recordId) == [bad])
            #expect(letters.map(\.code) == ["unwritten_point"])
            let payments = Dictionary(grouping: world.embedder.effects.map(\.text)) { $0 }
            #expect(payments.values.allSatisfy { $0.count == 1 })
        }
    }
}
