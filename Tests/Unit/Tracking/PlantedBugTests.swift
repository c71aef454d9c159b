import Conformance
import Invariants
import Scenarios
import Testing

/// Histories in which calls overlap, and mistakes that the checks must notice in them.
@Suite(.heavy) struct `Overlapping histories of the tracking store` {
    @Test func `keep every invariant`() async {
        var meetings = Meetings()
        let seeds = historyCount(reduced: 100)
        for seed in 1...UInt64(seeds) {
            let evidence = await OverlappingHistory.run(seed: seed)
            let violations = evidence.violations()
            #expect(violations == [], "seed \(seed)")
            if !violations.isEmpty { return }
            meetings.count(in: evidence)
        }
        print("\(seeds) overlapping histories: \(meetings)")
        #expect(meetings.repeatAndOriginal >= 20)
        #expect(meetings.ends >= 50)
        #expect(meetings.finalized >= 20)
        #expect(meetings.interrupted >= 50)
    }

    @Test func `are the same each time`() async {
        let one = await OverlappingHistory.run(seed: 3)
        let two = await OverlappingHistory.run(seed: 3)
        #expect(one.jobs.map(\.events) == two.jobs.map(\.events))
        #expect(one.calls.map(\.answer) == two.calls.map(\.answer))
    }
}

/// What must find a planted bug, and in how many histories.
struct Hunt: Sendable, CustomTestStringConvertible {
    enum Finder: Sendable, Equatable {
        case check(TrackingInvariant)
        /// Not unsafe, only wrong: the model says another answer.
        case model
    }

    let bug: PlantedBug
    let finder: Finder
    let seeds: UInt64
    var overlaps = false

    var testDescription: String { bug.rawValue }

    static let all: [Self] = [
        Self(bug: .claimChecksThenSets, finder: .check(.oneLease), seeds: 20, overlaps: true),
        Self(bug: .claimWithoutItsLock, finder: .check(.repeatedClaim), seeds: 50, overlaps: true),
        Self(bug: .claimWithoutSecondLook, finder: .model, seeds: 50),
        Self(bug: .statusIsTheOnlyGuard, finder: .check(.currentFence), seeds: 20),
        Self(bug: .finishByNumberAlone, finder: .check(.currentFence), seeds: 20),
        Self(bug: .progressIsAdded, finder: .check(.harmlessRepeats), seeds: 50),
        Self(bug: .everyAttemptIsCounted, finder: .check(.exactCounters), seeds: 20),
        Self(bug: .deferUsesTheBudget, finder: .check(.retryBudget), seeds: 20),
        Self(bug: .heartbeatPassesTheDeadline, finder: .check(.oneLease), seeds: 50),
        Self(bug: .reaperDoesNotLookAgain, finder: .check(.endedStaysEnded), seeds: 50, overlaps: true),
        Self(bug: .requeueResetsTheAttempt, finder: .check(.denseAttempts), seeds: 50),
        Self(bug: .appendIgnoresTheCursor, finder: .check(.exactPlan), seeds: 50),
        Self(bug: .oldEpochIsHeard, finder: .check(.oneController), seeds: 50),
        Self(bug: .joinRevivesAnEndedJob, finder: .check(.oneController), seeds: 20),
        Self(bug: .opensBesideAnother, finder: .check(.oneController), seeds: 20),
        Self(bug: .isolatesWhatHasNotFailed, finder: .check(.endedStaysEnded), seeds: 50),
        Self(bug: .isolatesInPairs, finder: .check(.endedStaysEnded), seeds: 50),
        Self(bug: .resumeKeepsTheBaseline, finder: .check(.exactCounters), seeds: 20),
        Self(bug: .finalizeReadsTwice, finder: .check(.finalStatus), seeds: 200, overlaps: true),
    ]

    /// The first seed that shows the bug to its finder.
    func found() async throws -> UInt64? {
        for seed in 1...seeds where try await isFound(in: seed) { return seed }
        return nil
    }

    private func isFound(in seed: UInt64) async throws -> Bool {
        switch finder {
        case .check(let invariant):
            let evidence = overlaps ? await OverlappingHistory.run(seed: seed, planted: bug) : try await replay(seed)
            return !evidence.violations(of: [invariant]).isEmpty
        case .model:
            do { _ = try await replay(seed, comparing: true) } catch is HistoryFailure { return true }
            return false
        }
    }

    private func replay(_ seed: UInt64, comparing: Bool = false) async throws -> TrackingEvidence {
        let steps = HistoryGenerator.history(seed: seed, steps: 300)
        return try await HistoryReplay.perform(steps, on: FakeStage(planted: bug), comparing: comparing).evidence
    }
}

@Suite(.heavy) struct `Planted bugs of the tracking store` {
    @Test(arguments: Hunt.all) func `are found by their checks`(_ hunt: Hunt) async throws {
        let seed = try await hunt.found()
        print("\(hunt.bug.rawValue): \(hunt.finder), seed \(seed.map(String.init) ?? "none") of \(hunt.seeds)")
        #expect(seed != nil)
    }

    @Test func `are all hunted`() {
        #expect(Set(Hunt.all.map(\.bug)) == Set(PlantedBug.allCases))
    }
}
