import Fakes
import Invariants
import Migration
import Synchronization
import Terminal
import Testing

@testable import migrate

@Suite struct `The history of a job` {
    private func world(recordEvents: Bool) async throws -> (World, JobSummary) {
        let world = try await World(rows: World.rows(30))
        try await world.run(
            workers: 1,
            settings: JobSettings(
                maxRetries: 3,
                leaseSeconds: 120,
                batchTimeoutSeconds: 600,
                recordEvents: recordEvents
            )
        )
        let jobs = try await world.store.jobs(ListIngestionJobs(job: 1, filter: .init(), after: nil, limit: 1))
        return (world, try #require(jobs.rows.first))
    }

    @Test func `is shown oldest first, whole, by batch, by kind, and the last of it`() async throws {
        let (world, job) = try await world(recordEvents: true)
        func kinds(_ filter: ListIngestionEvents.Filter, last: Int? = nil) async throws -> [String] {
            var kinds: [String] = []
            try await history(of: job, filter, last: last, in: world.store) { kinds += $0.map(\.kind) }
            return kinds
        }
        let all = try await kinds(.init())
        #expect(all.first == "opened" && all.last == "finalized")
        #expect(try await kinds(.init(batchNumbers: [1])) == ["claimed", "completed"])
        #expect(try await kinds(.init(kind: "completed")).count == 3)
        #expect(try await kinds(.init(), last: 2) == Array(all.suffix(2)))
        #expect(try await kinds(.init(kind: "reaped")).isEmpty)
    }

    /// A history of many batches is not downloaded for its last lines.
    @Test(arguments: [1, 2, 19, 20, 21, 100, 999, 1_000, 1_001, 1_200, 5_000])
    func `costs no more rows than are shown of it`(last: Int) async throws {
        let asked = Mutex((calls: 0, rows: 0))
        let world = try await World(
            rows: World.rows(600),
            storeLog: { step in
                guard let page = step.answer?.value(ListIngestionEvents.Answer.self) else { return }
                asked.withLock { $0 = ($0.calls + 1, $0.rows + page.rows.count) }
            }
        )
        try await world.run(workers: 1, batchSize: 1)
        let jobs = try await world.store.jobs(ListIngestionJobs(job: 1, filter: .init(), after: nil, limit: 1))
        let job = try #require(jobs.rows.first)
        var all: [Int64] = []
        try await history(of: job, .init(), last: nil, in: world.store) { all += $0.map(\.id) }
        #expect(all.count > 1_200)
        asked.withLock { $0 = (0, 0) }
        var shown: [Int64] = []
        try await history(of: job, .init(), last: last, in: world.store) { shown += $0.map(\.id) }
        #expect(shown == Array(all.suffix(last)))
        #expect(asked.withLock { $0.rows } == shown.count)
        #expect(asked.withLock { $0.calls } == (shown.count + 999) / 1_000)
    }

    @Test func `that is off is a sentence that says how to have one`() async throws {
        let (world, job) = try await world(recordEvents: false)
        let end = await #expect(throws: CommandEnd.self) {
            try await history(of: job, .init(), last: nil, in: world.store) { _ in Issue.record("there is none") }
        }
        #expect(end?.status == .incomplete)
        #expect(end?.message.contains("RECORD_EVENTS=on") == true)
    }

    @Test func `is a table for people`() {
        let event = EventSummary(
            id: 4,
            at: "2026-01-31T12:00:00.123456Z",
            batchNumber: 12,
            attempt: 2,
            claimId: "c",
            workerId: "host:7/0",
            kind: "failed",
            detail: ["status": "pending", "code": "runner_died"]
        )
        let expected = """
            TIME                  BATCH  ATTEMPT  EVENT   WORKER    DETAIL
            2026-01-31 12:00:00Z  12     2        failed  host:7/0  code=runner_died status=pending
            """
        #expect(EventTable.text([event]) == expected)
        #expect(EventTable.text([event], hasHeader: false) == expected.split(separator: "\n")[1])
    }
}
