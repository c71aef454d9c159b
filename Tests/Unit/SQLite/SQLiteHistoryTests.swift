import Conformance
import Invariants
import Migration
import Scenarios
import Testing

@testable import SQLite

/// What the fake answers, the file must answer, to the last character.
@Suite(.heavy) struct `Histories in a SQLite file` {
    /// - Returns: nil when it fails.
    private static func coverage(
        replaying answered: [RecordedStep],
        seed: UInt64,
        connections: Int
    ) async throws -> HistoryCoverage? {
        let stage = try await SQLiteStage(connections: connections)
        do { return try await HistoryReplay.run(answered, on: stage).coverage } catch is HistoryFailure {
            let empty: () async throws -> any HistoryStage = { try await SQLiteStage(connections: connections) }
            let short = try await HistoryReplay.shrunk(answered, replaysMax: 60, reference: { FakeStage() }, on: empty)
            Issue.record("seed \(seed), \(short?.steps.count ?? 0) steps: \(short?.description ?? "")")
            return nil
        }
    }

    @Test func `are answered as by the fake`() async throws {
        let count = historyCount(reduced: 500)
        // Two at a time: most of the time each waits for the thread of its file.
        let coverage = try await withThrowingTaskGroup(of: HistoryCoverage.self) { group in
            for lane in 1...2 {
                group.addTask {
                    var coverage = HistoryCoverage()
                    for seed in stride(from: UInt64(lane), through: UInt64(count), by: 2) {
                        let history = HistoryGenerator.history(seed: seed, steps: 300)
                        // Whether the fake is right is asked elsewhere.
                        let answered = try await HistoryReplay.perform(history, on: FakeStage(), comparing: false)
                            .answered
                        // Every second one of a lane through several connections in turn.
                        let connections = seed / 2 % 2 == 0 ? 1 : 3
                        guard
                            let one = try await Self.coverage(replaying: answered, seed: seed, connections: connections)
                        else { break }
                        coverage += one
                    }
                    return coverage
                }
            }
            return try await group.reduce(into: HistoryCoverage()) { $0 += $1 }
        }
        print("\(count) histories in a SQLite file, half of them over several connections: \(coverage)")
        if count >= 150 { #expect(coverage.shortfalls(below: .floors) == []) }
    }

    @Test func `are rounded as by the fake`() async throws {
        for seed in 1...UInt64(max(20, historyCount(reduced: 10) / 3)) {
            let log = try await RoundedTimes.log(seed: seed, steps: 200)
            guard try await Self.coverage(replaying: log, seed: seed, connections: 1) != nil else { return }
        }
    }

    @Test func `are answered as a fake's log says that its clients were`() async throws {
        for seed in 1...UInt64(max(10, historyCount(reduced: 10) / 3)) {
            let log = await OverlappingHistory.log(seed: seed)
            do { try await HistoryReplay.run(log, on: try await SQLiteStage()) } catch let failure as HistoryFailure {
                Issue.record("seed \(seed): \(failure)")
                return
            }
        }
    }

    /// The calls of whole simulated migrations, under faults.
    @Test func `simulated runs are answered as by the fake`() async throws {
        var (calls, runs) = (0, 0)
        let wanted = max(4, historyCount(reduced: 20) / 5)
        // Some runs are over after a few calls.
        for seed in 0..<UInt64(10 * wanted) where runs < wanted || calls <= 1000 {
            let history = Scenario.swarm.run(seed: seed, keepsHistory: true).history
            // Calls that overlap have no order to be repeated in.
            if history.isEmpty { continue }
            do { try await HistoryReplay.run(history, on: try await SQLiteStage()) } catch let failure as HistoryFailure
            {
                Issue.record("simulated seed \(seed): \(failure.finding)")
                return
            }
            calls += history.count
            runs += 1
        }
        print("\(runs) simulated runs in a SQLite file, \(calls) calls: the same answers")
        #expect(calls > 1000)
    }
}

/// Clients whose calls overlap, each on a connection of its own: SQLite decides which of them goes on.
@Suite(.heavy) struct `Overlapping calls on a SQLite file` {
    /// Lets the clients of some chance do their work in a file of their own.
    ///
    /// - Returns: what they left behind.
    static func play(_ dice: Dice, _ options: SQLiteOptions = SQLiteOptions()) async throws -> TrackingEvidence {
        let folder = try TrackingFolder()
        defer { withExtendedLifetime(folder) {} }
        let machine = MachineClock()
        var options = options
        options.patience = .seconds(60)
        let store = try await SQLiteConnections.open(
            folder.file,
            count: 11,
            clock: machine.clock,
            entropy: dice,
            options: options
        )
        let recorder = CallRecorder { (machine.wall, nil) }
        let clients = OverlappingClients(dice, store, recorder) {
            // While one client pauses, the others' calls are under way.
            machine.advance(by: passed(dice))
            await Task.yield()
        }
        await withTaskGroup { group in
            for client in clients.all { group.addTask { await client() } }
        }
        return try await TrackingEvidence(reading: store, calls: recorder.calls, slack: .seconds(3600))
    }

    /// Between two calls of a client mostly no time passes; sometimes a lease.
    private static func passed(_ dice: Dice) -> Duration {
        switch dice.below(40) {
        case 0: .seconds(dice.number(2...13))
        case 1: .seconds(dice.number(1...4))
        case 2..<8: .milliseconds(dice.below(1000))
        default: .zero
        }
    }

    @Test func `keep every invariant`() async throws {
        var meetings = Meetings()
        for seed in 1...UInt64(max(10, historyCount(reduced: 30) / 3)) {
            let evidence = try await Self.play(Dice(seed))
            #expect(evidence.violations() == [], "seed \(seed)")
            #expect(evidence.calls.allSatisfy { $0.answer.map { "\($0)".contains("BUSY") } != true })
            meetings.count(in: evidence)
        }
        print("overlapping calls on a SQLite file: \(meetings)")
        #expect(meetings.ends > 0)
    }
}
