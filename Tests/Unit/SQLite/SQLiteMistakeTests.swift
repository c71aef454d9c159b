import Conformance
import Foundation
import Invariants
import Migration
import Scenarios
import Testing

@testable import SQLite

/// A mistake that a statement could have, and what has to notice it.
private struct SQLiteMistake: Sendable, CustomTestStringConvertible {
    enum Finder: Sendable {
        /// In some of so many histories.
        case check(TrackingInvariant)
        /// Not unsafe, only wrong: the model says another answer.
        case model
        /// Only where calls overlap.
        case overlap(TrackingInvariant)
    }

    let testDescription: String
    let finder: Finder
    let seeds: UInt64
    /// Whether a call is one transaction; otherwise each of its statements is one.
    let isAtomic: Bool
    /// A passage of one statement, and what the mistake puts in its place.
    let edits: [(passage: String, mistake: String)]

    init(
        _ description: String,
        _ finder: Finder,
        seeds: UInt64 = 20,
        isAtomic: Bool = true,
        _ edits: (passage: String, mistake: String)...
    ) {
        testDescription = description
        self.finder = finder
        self.seeds = seeds
        self.isAtomic = isAtomic
        self.edits = edits
    }

    static let all = [
        Self(
            "a finish that looks at the status only",
            .check(.currentFence),
            ("WHEN attempt IS NOT :attempt OR claim_id IS NOT :claim THEN 'lost'", "WHEN false THEN 'lost'")
        ),
        Self(
            "a finish that looks at the number of the batch only",
            .check(.currentFence),
            ("WHEN attempt IS NOT :attempt OR claim_id IS NOT :claim THEN 'lost'", "WHEN false THEN 'lost'"),
            ("WHEN status = 'processing' THEN 'applied'", "WHEN true THEN 'applied'")
        ),
        Self(
            "a heartbeat that looks at the status only",
            .check(.currentFence),
            ("WHEN b.attempt IS NOT :attempt OR b.claim_id IS NOT :claim THEN 'new_owner'", "WHEN false THEN ''")
        ),
        Self(
            "a heartbeat that adds to the counts",
            .check(.harmlessRepeats),
            seeds: 50,
            ("processed_count = max(processed_count, :processed)", "processed_count = processed_count + :processed")
        ),
        Self(
            "a heartbeat that passes the deadline",
            .check(.oneLease),
            seeds: 50,
            ("min(:now + :lease_seconds * 1000000, deadline_at))", ":now + :lease_seconds * 1000000)"),
            ("WHEN b.deadline_at <= :now THEN 'deadline'", "WHEN false THEN ''"),
            ("lease_expires_at < :now - :grace", "deadline_at < :now - :grace")
        ),
        Self(
            "a defer that uses the budget",
            .check(.retryBudget),
            ("retry_count = retry_count + :retries", "retry_count = retry_count + max(:retries, :outcome = 'defer')")
        ),
        Self(
            "a requeue that begins the attempts anew",
            .check(.denseAttempts),
            seeds: 50,
            ("moved_count = 0, finished_at = NULL", "moved_count = 0, attempt = 0, finished_at = NULL")
        ),
        Self(
            "a page that is stored wherever the cursor is",
            .check(.exactPlan),
            seeds: 50,
            ("WHEN plan_cursor IS NOT :expected THEN 'cursor_mismatch'", "WHEN false THEN ''")
        ),
        Self(
            "a page of an old epoch that is stored",
            .check(.oneController),
            seeds: 50,
            ("WHEN controller_epoch IS NOT :epoch OR controller_token IS NOT :token THEN 'lost'", "WHEN false THEN ''")
        ),
        Self(
            "a requeue that divides what has not failed",
            .check(.endedStaysEnded),
            seeds: 50,
            (
                "INDEXED BY ingestion_batch_given_up\nWHERE b.job_id = :job AND b.status = 'failed'",
                "\nWHERE b.job_id = :job AND b.finished_at IS NOT NULL"
            )
        ),
        Self(
            "a resume that keeps the baselines",
            .model,
            seeds: 50,
            (
                "WHERE id = :job AND EXISTS (SELECT 1 FROM ingestion_counter WHERE job_id = :job)",
                "WHERE id = :job AND 0"
            )
        ),
        Self(
            "an end that leaves the job's counters",
            .check(.exactCounters),
            ("in_flight = in_flight + :in_flight", "in_flight = in_flight + max(0, :in_flight)")
        ),
        Self(
            "a finalize that does not look for waiting batches",
            .model,
            seeds: 50,
            (
                "WHERE job_id = :job AND status = 'pending')\nRETURNING",
                "WHERE job_id = :job AND status = 'pending' AND 0)\nRETURNING"
            )
        ),
        Self(
            "a dead letter that is not opened again",
            .check(.deadLetters),
            seeds: 50,
            ("resolved_at = NULL\n", "times = times + 1\n")
        ),
        Self(
            "a claim without the floor's second part",
            .model,
            seeds: 50,
            (
                "AND (next_retry_at, batch_number) >= (:floor_at, :floor_number)",
                "AND next_retry_at > :floor_at + :floor_number * 0"
            )
        ),
        Self(
            "a claim a second before the backoff is over",
            .check(.termsOfClaims),
            ("AND next_retry_at <= :now\n", "AND next_retry_at <= :now + 1000000\n")
        ),
        Self(
            "a reaper that comes five seconds early",
            .check(.oneLease),
            seeds: 50,
            ("lease_expires_at < :now - :grace", "lease_expires_at < :now + 5000000")
        ),
        Self(
            "a repeated claim that forgets what it holds",
            .overlap(.repeatedClaim),
            seeds: 20,
            ("claimed_at > :now - :lease_seconds * 1000000", "claimed_at > :now + :lease_seconds * 0")
        ),
        // A call that is not one transaction: SQLite then runs the statements of other calls between its own.
        Self(
            "a claim whose look for its repeat is not part of it",
            .overlap(.repeatedClaim),
            seeds: 50,
            isAtomic: false
        ),
        Self("a reaper that does not look again", .overlap(.endedStaysEnded), seeds: 50, isAtomic: false),
        Self("an end that does not look again", .overlap(.exactCounters), seeds: 50, isAtomic: false),
    ]

    /// What becomes of a mistake that the twin shows only where calls overlap.
    enum Counterpart: Sendable {
        /// This one.
        case planted(String)
        /// SQLite cannot have it.
        case none(because: String)
    }

    static let counterparts: [PlantedBug: Counterpart] = [
        .claimWithoutItsLock: .planted("a claim whose look for its repeat is not part of it"),
        .reaperDoesNotLookAgain: .planted("a reaper that does not look again"),
        .claimChecksThenSets: .none(because: "`take` looks for batches and takes them in one statement"),
        .finalizeReadsTwice: .none(because: "`finalize` looks at all batches and ends the job in one statement"),
    ]

    func spoiled() throws -> SQLiteOptions {
        var files = SQLiteStatements.files
        for edit in edits {
            let places = files.map { $0.text.components(separatedBy: edit.passage).count - 1 }
            try #require(places.reduce(0, +) == 1, "must occur once in sql/sqlite/: \(edit.passage)")
            files = files.map { .init(name: $0.name, text: $0.text.replacing(edit.passage, with: edit.mistake)) }
        }
        var options = SQLiteOptions()
        options.statements = SQLiteStatements(files)
        options.isAtomic = isAtomic
        return options
    }

    /// The first seed that shows the mistake to its finder.
    func found() async throws -> UInt64? {
        let options = try spoiled()
        for seed in 1...seeds where try await isFound(in: seed, options) { return seed }
        return nil
    }

    private func isFound(in seed: UInt64, _ options: SQLiteOptions) async throws -> Bool {
        if case .overlap(let invariant) = finder {
            let evidence = try await `Overlapping calls on a SQLite file`.play(Dice(seed), options)
            return !evidence.violations(of: [invariant]).isEmpty
        }
        let steps = HistoryGenerator.history(seed: seed, steps: 300)
        let stage = try await SQLiteStage(options: options)
        guard case .check(let invariant) = finder else {
            do { _ = try await HistoryReplay.perform(steps, on: stage) } catch is HistoryFailure { return true }
            return false
        }
        let evidence = try await HistoryReplay.perform(steps, on: stage, comparing: false).evidence
        return !evidence.violations(of: [invariant]).isEmpty
    }
}

/// A suite that cannot fail proves nothing.
@Suite(.heavy) struct `Mistakes in SQLite's statements` {
    @Test(arguments: SQLiteMistake.all) fileprivate func `are noticed`(_ mistake: SQLiteMistake) async throws {
        let seed = try await mistake.found()
        print("\(mistake.testDescription): seed \(seed.map(String.init) ?? "none") of \(mistake.seeds)")
        #expect(seed != nil)
    }

    @Test func `are those that overlapping calls show in the twin, where SQLite can have them`() {
        #expect(Set(SQLiteMistake.counterparts.keys) == Set(Hunt.all.filter(\.overlaps).map(\.bug)))
        let planted = SQLiteMistake.counterparts.values.compactMap {
            if case .planted(let description) = $0 { description } else { nil }
        }
        #expect(Set(planted).isSubset(of: SQLiteMistake.all.map(\.testDescription)))
    }
}
