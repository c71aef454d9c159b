import Foundation
import Scenarios
import Simulation
import Synchronization

/// Runs many seeds of one scenario on several threads; the seeds share nothing, because each has its own world.
struct SeedHunt: Sendable {
    let scenario: Scenario
    var first: UInt64 = 0
    let count: Int
    var threads = 1
    var bug: Scenario.Bug?
    /// Whether each seed runs twice: two different hashes count as a failure.
    var isDouble = false
    /// Whether the first failure ends the search.
    var stopsAtFailure = true
    /// Replaces what the seeds draw.
    var wish = FaultPlan.Wish()
    var watchdog = Watchdog()
    /// Called with each event when it happens.
    var tell: (@Sendable (String) -> Void)?
    /// Replaces the scenario, for tests.
    var judge: (@Sendable (Trial) -> SeedReport)?

    /// What was found.
    struct Report: Sendable {
        var seeds = 0
        var steps = 0
        /// Virtual time.
        var time = Duration.zero
        /// A hash over the hashes of all seeds, in their order.
        var hash: UInt64 = 0
        /// In the order of the seeds.
        var hashes: [(seed: UInt64, hash: UInt64)] = []
        var coverage = Coverage()
        /// In the order of the seeds.
        var failures: [SeedReport] = []
        /// The run that has not ended.
        var stuck: Watchdog.Stuck?
    }

    /// Why this build cannot simulate, or nil.
    static func selfTest() -> String? { Simulation.selfTest() }

    /// Runs the seeds; blocks the calling thread.
    ///
    /// - Parameter progress: called with the number of completed seeds, from any of the threads.
    /// - Returns: what was found.
    func run(progress: @escaping @Sendable (Int) -> Void = { _ in }) -> Report {
        let state = Mutex(State())
        let stuck = watchdog.run(threads: threads) { lane in
            while let seed = state.withLock({ $0.next(of: self) }) {
                let report = lane.work(on: Trial(seed: seed, wish: wish)) { judged($0, by: lane) }
                let done = state.withLock { $0.add(report) }
                progress(done)
            }
        }
        var report = state.withLock { $0.report }
        report.stuck = stuck
        return report
    }

    /// Runs one seed, twice if that is set.
    ///
    /// - Parameters:
    ///   - trial: the run to make.
    ///   - lane: the thread that makes it; it is told when the run waits in `tell`.
    /// - Returns: what was found.
    func judged(_ trial: Trial, by lane: Watchdog.Lane? = nil) -> SeedReport {
        if let judge { return judge(trial) }
        var tell = tell
        if let lane, let heard = tell { tell = { line in lane.waiting { heard(line) } } }
        let report = scenario.run(seed: trial.seed, wish: trial.wish, bug: bug, tell: tell)
        guard isDouble, report.failure == nil else { return report }
        let again = scenario.run(seed: trial.seed, wish: trial.wish, bug: bug)
        return again.hash == report.hash
            ? report : report.failing("DETERMINISM the second run of the seed took other steps")
    }

    private struct State {
        var begun = 0
        var isOver = false
        var reports: [SeedReport] = []

        mutating func next(of hunt: SeedHunt) -> UInt64? {
            guard !isOver, begun < hunt.count else { return nil }
            defer { begun += 1 }
            if hunt.stopsAtFailure, reports.contains(where: { $0.failure != nil }) {
                isOver = true
                return nil
            }
            return hunt.first + UInt64(begun)
        }

        mutating func add(_ report: SeedReport) -> Int {
            reports.append(report)
            return reports.count
        }

        var report: Report {
            var sum = Report()
            var hash = TraceHash()
            for report in reports.sorted(by: { $0.seed < $1.seed }) {
                sum.seeds += 1
                sum.steps += report.steps
                sum.time += report.time
                hash.add(report.hash)
                sum.hashes.append((report.seed, report.hash))
                sum.coverage += report.coverage
                if report.failure != nil { sum.failures.append(report) }
            }
            sum.hash = hash.value
            return sum
        }
    }
}
