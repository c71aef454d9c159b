import Conformance
import Testing

@Suite(.heavy) struct `Histories of the tracking store` {
    private static let seeds = 1...UInt64(historyCount(reduced: 150))
    private static let steps = 300

    @Test func `are answered by the fake as the model says`() async throws {
        var coverage = HistoryCoverage()
        for seed in Self.seeds {
            let steps = HistoryGenerator.history(seed: seed, steps: Self.steps)
            do { coverage += try await HistoryReplay.run(steps, on: FakeStage()).coverage } catch is HistoryFailure {
                let short = try await HistoryReplay.shrunk(steps) { FakeStage() }
                Issue.record("seed \(seed), \(short?.steps.count ?? 0) steps: \(short?.description ?? "")")
                return
            }
            await Task.yield()
        }
        print("histories on the fake: \(coverage)")
        #expect(coverage.shortfalls(below: .floors) == [])
    }

    @Test func `are the same each time`() {
        let one = HistoryGenerator.history(seed: 7, steps: 100)
        #expect(one == HistoryGenerator.history(seed: 7, steps: 100))
        #expect(one != HistoryGenerator.history(seed: 8, steps: 100))
    }
}
