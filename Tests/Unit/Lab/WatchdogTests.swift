import Dispatch
import Scenarios
import Synchronization
import Terminal
import Testing

@testable import migrate_lab

@Suite(.timeLimit(.minutes(1))) struct `The watchdog of simulated runs` {
    /// Longer than the limit, on a thread that is the test's own.
    private static func linger(_ seconds: Double) { _ = DispatchSemaphore(value: 0).wait(timeout: .now() + seconds) }

    @Test func `a person who reads the trace slowly does not make a run endless`() {
        let watchdog = Watchdog(limit: .seconds(1))
        let stuck = watchdog.run(threads: 2) { lane in
            lane.work(on: Trial(seed: 1, wish: FaultPlan.Wish())) { _ in
                lane.waiting { Self.linger(1.5) }
                lane.waiting { Self.linger(0.5) }
            }
        }
        #expect(stuck == nil)
    }

    @Test func `a run that has waited for its reader and then does not end is found`() {
        let watchdog = Watchdog(limit: .seconds(1))
        let stuck = watchdog.run(threads: 1) { lane in
            lane.work(on: Trial(seed: 7, wish: FaultPlan.Wish())) { _ in
                lane.waiting { Self.linger(0.1) }
                Self.linger(3)
            }
        }
        #expect(stuck?.trial == Trial(seed: 7, wish: FaultPlan.Wish()))
    }

    @Test func `a hunt tells each event outside the time of its run`() {
        var hunt = SeedHunt(scenario: .calm, first: 3, count: 1)
        hunt.wish = FaultPlan.Wish(batches: 2, faults: [])
        hunt.watchdog.limit = .seconds(2)
        let told = Mutex(0)
        hunt.tell = { _ in
            let count = told.withLock { count in
                count += 1
                return count
            }
            if count == 5 { Self.linger(3) }
        }
        let report = hunt.run()
        #expect(report.stuck == nil)
        #expect(report.seeds == 1 && report.failures.isEmpty)
        #expect(told.withLock { $0 } > 10)
    }
}

/// A run that never ends is named by the wall clock.
@Suite struct `The watchdog` {
    @Test func `names the seed that does not come back, and how to repeat it`() {
        let gate = DispatchSemaphore(value: 0)
        var hunt = SeedHunt(scenario: .swarm, first: 7, count: 1)
        hunt.wish = FaultPlan.Wish(batches: 2, faults: [])
        hunt.watchdog.limit = .milliseconds(20)
        hunt.judge = { trial in
            gate.wait()
            return Scenario.calm.run(seed: trial.seed)
        }
        let report = hunt.run()
        #expect(report.stuck == Watchdog.Stuck(trial: Trial(seed: 7, wish: hunt.wish), after: .milliseconds(20)))
        #expect(report.seeds == 0 && report.failures.isEmpty)
        gate.signal()
        #expect(
            SimulateCommand.end(of: Watchdog.Stuck(trial: Trial(seed: 7, wish: hunt.wish), after: .seconds(60)), hunt)
                == CommandEnd(
                    .incomplete,
                    """
                    seed 7 has not ended after 60 s of real time: a loop without await?
                      replay: migrate-lab simulate --seed 7 --seeds 1 --scenario swarm --batches 2 --faults none --trace
                      valid for: \(Build.words)
                    """
                )
        )
    }

    @Test func `is silent about runs that end`() {
        let report = SeedHunt(scenario: .calm, count: 3, threads: 2).run()
        #expect(report.stuck == nil && report.seeds == 3)
    }
}
