import Conformance
import Foundation
import Testing

@testable import Adapters

/// A mistake that the tracking SQL could have, and the check that has to notice it.
struct NegativeControl: Sendable, CustomTestStringConvertible {
    /// A passage of the real SQL and what the mistake puts in its place.
    struct Edit: Sendable {
        let passage: String
        let mistake: String
    }

    enum Check: Sendable {
        case rule(JobStoreConformance.Rule)
        case orders([[IsolationOperation]], IsolationScene)
    }

    let testDescription: String
    let edits: [Edit]
    let check: Check

    /// Replaces the functions of a database by those with the mistake.
    func spoil(_ database: TrackingDatabase) async throws { try await Self.spoil(database, edits) }

    static func spoil(_ database: TrackingDatabase, _ edits: [Edit]) async throws {
        var files = SchemaInstaller.files.map(\.text)
        for edit in edits {
            let places = files.map { $0.components(separatedBy: edit.passage).count - 1 }
            try #require(places.reduce(0, +) == 1, "must occur once in sql/: \(edit.passage)")
            files = files.map { $0.replacing(edit.passage, with: edit.mistake) }
        }
        for (file, text) in zip(SchemaInstaller.files, files) where file.text != text { try await database.run(text) }
    }
}

extension NegativeControl {
    static let all = [
        Self(
            testDescription: "a finish that looks at the status only",
            edits: [unfenced],
            check: .rule(.finishOfAnOldAttemptIsLost)
        ),
        Self(
            testDescription: "a finish that looks at the status only, when a zombie meets the new owner",
            edits: [unfenced],
            check: .orders([[.finish, .reset, .claim]], .working)
        ),
        Self(
            testDescription: "a finish that looks at the number of the batch only",
            edits: [
                unfenced,
                Edit(
                    passage: "ELSIF v_batch.status <> 'processing' THEN\n        IF v_batch.last_outcome",
                    mistake: "ELSIF false THEN\n        IF v_batch.last_outcome"
                ),
            ],
            check: .orders([[.finish, .repeatedFinish]], .working)
        ),
        Self(
            testDescription: "a heartbeat that looks at the status only",
            edits: [
                Edit(
                    passage: "(v_batch.attempt, v_batch.claim_id) IS DISTINCT FROM (v_item.attempt, v_item.claim_id)",
                    mistake: "false"
                )
            ],
            check: .rule(.heartbeatOfAnEndedAttemptIsLost)
        ),
        Self(
            testDescription: "a heartbeat that adds to the counts",
            edits: [
                Edit(
                    passage: "processed_count = greatest(processed_count, v_item.processed)",
                    mistake: "processed_count = processed_count + v_item.processed"
                )
            ],
            check: .rule(.heartbeatCountsOnlyRise)
        ),
        Self(
            testDescription: "a claim that does not lock its id",
            edits: [
                Edit(
                    passage: "PERFORM pg_advisory_xact_lock(hashtextextended('ingestion_claim ' || p_claim_id, 0));",
                    mistake: ""
                )
            ],
            check: .orders(IsolationCheck.repeatedClaim, .working)
        ),
        Self(
            testDescription: "a claim that takes no job lock",
            edits: [Edit(passage: "PERFORM public.ingestion_lock_job(p_job, false);", mistake: "")],
            check: .orders([[.claim, .pause]], .working)
        ),
        Self(
            testDescription: "a reaper that updates what it read before",
            edits: [
                Edit(
                    passage: "ORDER BY b.claimed_at LIMIT p_limit FOR UPDATE SKIP LOCKED",
                    mistake: "ORDER BY b.claimed_at LIMIT p_limit"
                )
            ],
            check: .orders([[.heartbeat, .reset], [.finish, .reset]], .working)
        ),
        Self(
            testDescription: "a finalize that looks for pending and for processing batches in two statements",
            edits: [
                // With the gate between them: the order of steps can stop a call only where it waits.
                Edit(
                    passage: "    UPDATE public.ingestion_job j SET\n        status = CASE WHEN (SELECT b.id",
                    mistake: """
                            IF EXISTS (SELECT 1 FROM public.ingestion_batch WHERE job_id = p_job AND status = 'pending') THEN
                                RETURN jsonb_build_object('result', 'not_ready', 'status', v_job.status);
                            END IF;
                            PERFORM public.test_gate(p_job);
                            UPDATE public.ingestion_job j SET
                                status = CASE WHEN (SELECT b.id
                        """
                ),
                Edit(
                    passage: """
                        b.status = 'pending'
                                    ORDER BY b.next_retry_at DESC, b.batch_number DESC LIMIT 1) IS NULL
                        """,
                    mistake: "false) IS NULL"
                ),
            ],
            check: .orders(IsolationCheck.finalizeAgainstReap, .drained)
        ),
        Self(
            testDescription: "a defer that uses the budget",
            edits: [Edit(passage: "'defer', v_wait, 0,", mistake: "'defer', v_wait, 1,")],
            check: .rule(.deferIsFreeAndLater)
        ),
        Self(
            testDescription: "a claim without the second look",
            edits: [Edit(passage: "IF v_claimed = '{}' AND v_floor_at IS NOT NULL THEN", mistake: "IF false THEN")],
            check: .rule(.claimLooksBelowAFloorThatIsTooHigh)
        ),
    ]

    private static let unfenced = Edit(
        passage: "OR (v_batch.attempt, v_batch.claim_id) IS DISTINCT FROM (p_attempt, p_claim_id) THEN",
        mistake: "THEN"
    )
}

/// A suite that cannot fail proves nothing.
@Suite(.needs(.postgres)) struct `Mistakes in the tracking SQL` {
    @Test(arguments: NegativeControl.all) func `are noticed`(control: NegativeControl) async throws {
        switch control.check {
        case .orders(let groups, let scene):
            #expect(try await IsolationCheck.play(groups, in: scene, with: control).problems != [])
        case .rule(let rule):
            let harness = try await DatabaseHarness.overPostgres()
            try await control.spoil(harness.database)
            await #expect {
                try await JobStoreConformance { harness }.check(rule)
            } throws: {
                "\($0)".hasPrefix("line ")  // a broken rule, not a failed call
            }
            try await harness.database.drop()
        }
    }
}
