import Foundation
import Scenarios
import Testing

@testable import migrate_lab

/// Whole migrations in virtual time: a reduced number of seeds, each twice; `make simulate` runs thousands.
@Suite("Scenarios", .heavy)
struct ScenarioTests {
    /// How many seeds, unless `MIGRATE_TEST_SEEDS` says so.
    private static let seeds =
        ProcessInfo.processInfo.environment["MIGRATE_TEST_SEEDS"].flatMap { Int($0) } ?? 200

    @Test(arguments: Scenario.all.map(\.name))
    func `every seed keeps every invariant, and repeats itself`(name: String) throws {
        let scenario = try #require(Scenario.all.first { $0.name == name })
        let count = scenario.name == Scenario.swarm.name ? Self.seeds : max(1, Self.seeds / 10)
        let report = SeedHunt(scenario: scenario, count: count, threads: 2, isDouble: true).run()
        for failure in report.failures {
            Issue.record(
                "migrate-lab simulate --scenario \(name) --seed \(failure.seed) --seeds 1: \(failure.failure ?? "")"
            )
        }
        #expect(report.stuck == nil, "a loop without await?")
        let met = Coverage.Event.allCases.filter { report.coverage[$0] > 0 }
        print("\(name), \(count) seeds:", met.map { "\($0.rawValue) \(report.coverage[$0])" }.joined(separator: ", "))
    }

    @Test(arguments: Scenario.Bug.all.map(\.name))
    func `a planted bug is found by its checker`(name: String) throws {
        let bug = try #require(Scenario.Bug.all.first { $0.name == name })
        let report = SeedHunt(scenario: bug.scenario, count: 1000, threads: 2, bug: bug).run()
        let failure = try #require(report.failures.first, "not found within 1,000 seeds")
        print("\(name): \(bug.scenario.name), seed \(failure.seed): \(failure.failure ?? "")")
        let words = Set((failure.failure ?? "").split { !$0.isLetter && !$0.isNumber }.map(String.init))
        #expect(!words.isDisjoint(with: bug.invariants), "\(bug.invariants) expected: \(failure.failure ?? "")")
    }
}
