import Engine
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
                troubles: { $0.recordID == bad && $0.kind == kind ? trouble : nil }
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

    @Test func `and keeps nobody else from paying for vectors`() {
        World.virtually { time in
            let world = try await World(rows: World.rows(1), time: time, troubles: { _ in .error500 })
            let state = RunnerState(stop: StopSignal())
            let work = BatchWork(
                ports: world.ports,
                state: state,
                plan: try world.plan(),
                ids: World.rows(1).map(\.id),
                permit: FreePermit(interruption: StopSignal())
            )
            guard case .success(let done) = await work.run() else {
                Issue.record("it did not complete")
                return
            }
            #expect(done.counts.failed == 1)
            #expect(!state.writes.isStopped, "the point store has taken a probe after each failure")
        }
    }

    @Test func `is not waited for while other batches can be done`() {
        World.virtually { time in
            let rows = World.rows(60)
            let world = try await World(
                rows: rows,
                time: time,
                troubles: { $0.recordID == rows[1].id ? .error500 : nil }
            )
            // Planned before the runner begins, so that no claim of it finds nothing.
            let open = world.opening()
            let opened = try await world.store.openJob(open)
            let append = AppendIngestionBatches(
                job: opened.job.id,
                epoch: opened.epoch,
                token: open.token,
                expectedCursor: nil,
                batches: stride(from: 0, to: 60, by: 20).map { rows[$0..<$0 + 20].map(\.id) }
            )
            #expect(try await world.store.appendBatches(append).result == .appended)
            try await withThrowingTaskGroup(of: Void.self) { group in
                group.addTask { try await world.run(workers: 1) }
                // The first rest of the bad point takes longer.
                try await time.sleep(for: .seconds(25))
                #expect(try await world.points.count(.child, owner: World.owner) == 59)
                try await group.waitForAll()
            }
            #expect(try await world.stats().processed == 59)
        }
    }
}
