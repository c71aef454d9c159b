import Invariants
import Migration
import Testing

@testable import Adapters

@Suite(.needs(.postgres)) struct `Claims by twenty connections` {
    /// Tens of thousands of claims in the long form, thousands in the short one.
    @Test func `hand out no batch twice, whoever dies meanwhile`() async throws {
        let database = try await TrackingDatabase.make()
        try await database.makeClockMovable()
        try await database.makeLocksPatient()
        let seed = TestEnvironment.seed
        let race = try await ClaimRace(database, seed: seed)
        let clock = ContinuousClock()
        let start = clock.now
        let rounds = 24
        let status = try await race.run(rounds: rounds, batchesPerPage: TestEnvironment.isLong ? 500 : 40)
        print("race: \(race.coverage), \(clock.now - start), seed \(seed)")

        let plan = PlannedJob(job: race.job, store: try database.store())
        let stats = try await plan.exactStats()
        #expect(status == (stats.failed == 0 ? .completed : .failed))  // I17
        #expect(stats.equal == true)  // I15
        #expect(stats.completed + stats.failed == stats.job?.totalBatches)
        #expect(stats.claims == race.coverage.claims)
        let evidence = try await TrackingEvidence(reading: plan.store, slack: .seconds(30))
        #expect(evidence.violations() == [])
        // A race that did not take place proves nothing.
        #expect(race.coverage.claims >= rounds * 80)
        #expect(race.coverage.repeatedClaims >= 50)
        #expect(race.coverage.staleMetNewOwner >= 50)
        #expect(race.coverage.plannerDeaths >= 20)
        try await database.drop()
    }
}
