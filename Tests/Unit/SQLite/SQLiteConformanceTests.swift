import Conformance
import Migration
import Testing

@testable import SQLite

/// A tracking file whose clocks the rules move.
private struct SQLiteHarness: JobStoreHarness {
    let store: any JobStore
    private let machine: MachineClock
    private let folder: TrackingFolder

    init(connections: Int = 1, journal: SQLiteJournal? = nil) async throws {
        folder = try TrackingFolder()
        machine = MachineClock()
        var options = SQLiteOptions()
        options.journal = journal
        options.patience = .seconds(60)
        store = try await SQLiteConnections.open(
            folder.file,
            count: connections,
            clock: machine.clock,
            entropy: SeededEntropy(1),
            options: options
        )
    }

    func advance(by duration: Duration) async throws { machine.advance(by: duration) }
}

@Suite(.heavy) struct `The job store in a SQLite file` {
    @Test(arguments: JobStoreConformance.Rule.allCases)
    func `keeps the job-store rules`(rule: JobStoreConformance.Rule) async throws {
        try await JobStoreConformance { try await SQLiteHarness() }.check(rule)
    }

    /// The rules about calls at the same time send them to different connections.
    @Test(arguments: JobStoreConformance.Rule.allCases)
    func `keeps them over several connections`(rule: JobStoreConformance.Rule) async throws {
        try await JobStoreConformance { try await SQLiteHarness(connections: 5) }.check(rule)
    }

    /// In the journal that this library is not given in production, too.
    @Test(arguments: [SQLiteJournal.wal, .truncate]) func `keeps them in either journal`(_ journal: SQLiteJournal)
        async throws
    {
        let rules: [JobStoreConformance.Rule] = [
            .claimsWithOneIDAtTheSameTimeAgree, .finishAtTheSameTimeIsAppliedOnce, .pauseAtTheSameTimeAsClaims,
            .reapersAtTheSameTimeReapOnce, .finalizeAtTheSameTimeAsTheLastEnds, .openAtTheSameTimeMakesOneJob,
            .joinAtTheSameTimeMakesOneController, .deletionsAtTheSameTimeDeleteEachRowOnce, .recountWhileWorkGoesOn,
        ]
        for rule in rules {
            try await JobStoreConformance { try await SQLiteHarness(connections: 5, journal: journal) }.check(rule)
        }
    }

    @Test func `knows every function of the contract`() {
        for call in TrackingContract.calls { #expect(call is any SQLiteCall.Type, "\(call.function)") }
    }
}
