import Conformance
import Invariants
import Migration
import Scenarios
import Settings
import Testing

@testable import Adapters

/// The same histories as in the unit tests: what the fake answered, the SQL must answer, to the last character.
@Suite(.needs(.postgres), .serialized) struct `Histories on a real PostgreSQL` {
    private static let fewest: HistoryCoverage = {
        var floors = HistoryCoverage()
        (floors.staleMetNewOwner, floors.repeatedClaims, floors.plannersDied, floors.reaped) = (5, 5, 5, 20)
        return floors
    }()

    /// Replays what the fake answered; a failing history is made short.
    ///
    /// - Returns: nil when it fails.
    private static func coverage(
        replaying answered: [RecordedStep],
        seed: UInt64,
        on stage: DatabaseStage
    ) async throws -> HistoryCoverage? {
        try await stage.clear()
        do { return try await HistoryReplay.run(answered, on: stage).coverage } catch is HistoryFailure {
            let empty: () async throws -> any HistoryStage = {
                try await stage.clear()
                return stage
            }
            let short = try await HistoryReplay.shrunk(answered, replaysMax: 60, reference: { FakeStage() }, on: empty)
            Issue.record("seed \(seed), \(short?.steps.count ?? 0) steps: \(short?.description ?? "")")
            return nil
        }
    }

    private static func replay(_ seeds: ClosedRange<UInt64>, steps: Int, on stage: DatabaseStage) async throws {
        var coverage = HistoryCoverage()
        for seed in seeds {
            let history = HistoryGenerator.history(seed: seed, steps: steps)
            let answered = try await HistoryReplay.run(history, on: FakeStage()).answered
            guard let one = try await Self.coverage(replaying: answered, seed: seed, on: stage) else { return }
            coverage += one
        }
        print("\(seeds.count) histories of \(steps) steps: \(coverage)")
        // The few of each run show that the workload bites; a long run must reach what the fake's does.
        let floors = seeds.count >= 150 ? HistoryCoverage.floors : fewest
        #expect(coverage.shortfalls(below: floors) == [])
    }

    @Test func `are answered over libpq as by the fake`() async throws {
        try await TrackingDatabase.use { database in
            try await database.makeTimeReplayable()
            let stage = try DatabaseStage(database, through: database.store(connectionsMax: 1))
            try await Self.replay(1...UInt64(historyCount(reduced: 10)), steps: 300, on: stage)
        }
    }

    @Test func `are answered over PostgREST's gateway as by the fake`() async throws {
        try await TrackingDatabase.use { database in
            try await database.makeTimeReplayable()
            let gateway = try await PostgRESTGateway.start(database.authenticator)
            let key = Secret(PostgRESTGateway.Key.secret)
            let transport = try PostgRESTTransport(url: gateway.url, key: key, exchange: try CurlClient())
            let stage = try DatabaseStage(database, through: RPCJobStore(transport))
            try await Self.replay(1001...UInt64(1000 + max(6, historyCount(reduced: 10) / 10)), steps: 300, on: stage)
            await gateway.stop()
        }
    }

    @Test func `are rounded as by the fake`() async throws {
        try await TrackingDatabase.use { database in
            try await database.makeTimeReplayable()
            let stage = try DatabaseStage(database, through: database.store(connectionsMax: 1))
            let seeds = 1...UInt64(max(4, historyCount(reduced: 10) / 3))
            for seed in seeds {
                let log = try await RoundedTimes.log(seed: seed, steps: 200)
                guard try await Self.coverage(replaying: log, seed: seed, on: stage) != nil else { return }
            }
            print("\(seeds.count) histories at odd microseconds: the same answers")
        }
    }

    @Test func `are answered as a fake's log says that its clients were`() async throws {
        try await TrackingDatabase.use { database in
            try await database.makeTimeReplayable()
            let stage = try DatabaseStage(database, through: database.store(connectionsMax: 1))
            let seeds = 1...UInt64(max(2, historyCount(reduced: 10) / 3))
            for seed in seeds {
                let log = await OverlappingHistory.log(seed: seed)
                try await stage.clear()
                do { try await HistoryReplay.run(log, on: stage) } catch let failure as HistoryFailure {
                    Issue.record("seed \(seed): \(failure)")
                    return
                }
            }
            print("replayed the logs of \(seeds.count) fakes")
        }
    }

    /// The calls of whole simulated migrations, under faults.
    @Test func `simulated runs are answered as by the fake`() async throws {
        try await TrackingDatabase.use { database in
            try await database.makeTimeReplayable()
            let stage = try DatabaseStage(database, through: database.store(connectionsMax: 1))
            var calls = 0
            var runs = 0
            let wanted = max(3, historyCount(reduced: 20) / 5)
            // Some runs are over after a few calls.
            for seed in 0..<UInt64(10 * wanted) where runs < wanted || calls <= 1000 {
                let history = Scenario.swarm.run(seed: seed, keepsHistory: true).history
                // Calls that overlap have no order to be repeated in.
                if history.isEmpty { continue }
                try await stage.clear()
                do { try await HistoryReplay.run(history, on: stage) } catch let failure as HistoryFailure {
                    Issue.record("simulated seed \(seed): \(failure.finding)")
                    return
                }
                calls += history.count
                runs += 1
            }
            print("\(runs) simulated runs, \(calls) calls: the same answers")
            #expect(calls > 1000)
        }
    }
}
