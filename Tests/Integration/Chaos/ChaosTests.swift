import Conformance
import Foundation
import Testing

/// Jobs one after the other, each worked on by real processes that are killed, stopped and lied to, on real servers.
///
/// `make chaos` runs it; `docs/chaos.md` says how to read it.
@Suite(
    .needs(.mysql, .postgres, .qdrant, .vocabulary, .python),
    .enabled(if: TestEnvironment.chaosMinutes != nil, "`make chaos` runs it"),
    .serialized
)
struct `Jobs under chaos` {
    /// A suite that cannot fail proves nothing: here every repeated claim takes another batch, or the last end of a
    /// tracking file is lost.
    @Test(.timeLimit(.minutes(15)))
    func `a store that forgets is noticed`() async throws {
        if ChaosStore.chosen == .sqlite { return try await lostEnd() }
        let forgetful = NegativeControl.Edit(
            passage: "b.status = 'processing' AND b.claim_id = p_claim_id",
            mistake: "b.status = 'processing' AND false"
        )
        let job = try await ChaosJob.run(seed: TestEnvironment.seed) { stage in
            try await NegativeControl.spoil(stage.database, [forgetful])
        }
        print(
            "chaos: with a claim that forgets its id, \(job.problems.count) problems: \(job.problems.prefix(1))"
        )
        #expect(job.problems.contains { $0.hasPrefix("I9") || $0.contains("was answered") })
    }

    private func lostEnd() async throws {
        let job = try await ChaosJob.run(
            seed: TestEnvironment.seed,
            falsify: { stage in
                let last = "id = (SELECT max(id) FROM ingestion_event WHERE kind = 'completed')"
                try await stage.change("kind = 'release'", of: "event", where: last)
            }
        )
        print(
            "chaos: with an end that is lost, \(job.problems.count) problems: \(job.problems.prefix(1))"
        )
        #expect(!job.problems.isEmpty)
    }

    @Test(.timeLimit(.minutes(120)))
    func `no record is lost, repeated or miscounted, whatever dies`() async throws {
        let minutes = try #require(TestEnvironment.chaosMinutes)
        let store = ChaosStore.chosen
        print("chaos: \(minutes) minutes on \(store), MIGRATE_TEST_SEED=\(TestEnvironment.seed)")
        let end = ContinuousClock.now + .seconds(60 * minutes)
        var coverage = ChaosCoverage()
        var jobs = 0
        while ContinuousClock.now < end {
            let seed = TestEnvironment.seed &+ UInt64(jobs)
            let job = try await ChaosJob.run(seed: seed)
            print("chaos: the job of seed \(seed): \(job.coverage); \(job.account)")
            for problem in job.problems { Issue.record("MIGRATE_TEST_SEED=\(seed): \(problem)") }
            coverage += job.coverage
            jobs += 1
        }
        print("chaos: \(jobs) jobs\n\(coverage.table(minutes: minutes, in: store))")
        // What did not happen was not survived.
        for (name, count, floor) in coverage.floors(minutes: minutes, in: store) {
            #expect(
                count >= floor,
                "\(name): \(count), at least \(floor) are needed in \(minutes) minutes"
            )
        }
    }
}
