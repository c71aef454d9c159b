import Migration
import Testing

@testable import Adapters

/// What no client of ours sends, but a hand or another client may: JSON of the wrong shape, and SQL's NULL.
@Suite(.needs(.postgres)) struct `Malformed input of the tracking functions` {
    /// A call by its SQL and the word of the message that says what is wrong.
    private struct Call {
        let sql: String
        let blames: String

        init(_ sql: String, blames: String) {
            self.sql = "SELECT public." + sql
            self.blames = blames
        }
    }

    /// Every row of every table, in one number.
    private static let content = """
        SELECT md5(string_agg(t, ';' ORDER BY t)) FROM (
            SELECT j::text FROM public.ingestion_job j UNION ALL SELECT b::text FROM public.ingestion_batch b
            UNION ALL SELECT i::text FROM public.ingestion_batch_ids i
            UNION ALL SELECT f::text FROM public.ingestion_failure f
            UNION ALL SELECT c::text FROM public.ingestion_counter c
            UNION ALL SELECT e::text FROM public.ingestion_event e UNION ALL SELECT q::text FROM public.ingestion_quota q
        ) rows (t)
        """

    private static let claim = "00000000-0000-4000-8000-000000000001"
    private static let item = #""batch_number": 0, "attempt": 1, "claim_id": "\#(claim)""#
    private static let counts = #""counts": {"processed": 1, "skipped": 0, "failed": 0, "missing": 0}"#

    private static let oneFailed = #"'{"processed": 2, "skipped": 0, "failed": 1, "missing": 0}'"#
    private static let letter = #""record_id": 1, "code": "x", "message": "y", "permanent": true"#

    private static func heartbeat(_ items: String, blames: String) -> Call {
        Call("bump_batch_progress(1, 'w', \(items))", blames: blames)
    }

    private static func finish(_ counts: String, _ failed: String = "'[]'", blames: String) -> Call {
        Call("finish_batch(1, 0, 1, '\(claim)', 'completed', \(counts), \(failed), NULL, NULL)", blames: blames)
    }

    private static func append(_ page: String, blames: String) -> Call {
        Call(
            "append_ingestion_batches(1, 1, (SELECT controller_token FROM public.ingestion_job), 3, \(page))",
            blames: blames
        )
    }

    private static let calls = [
        heartbeat("NULL", blames: "items"), heartbeat("'null'", blames: "items"), heartbeat("'{}'", blames: "items"),
        heartbeat("'[7]'", blames: "item"), heartbeat("'[null]'", blames: "item"), heartbeat("'[[]]'", blames: "item"),
        heartbeat("'[{\(item)}]'", blames: "counts"),
        heartbeat(#"'[{\#(item), "counts": {"processed": 1}}]'"#, blames: "counts"),
        heartbeat(
            #"'[{\#(item), "counts": {"processed": 2, "skipped": 1, "failed": 1, "missing": 0}}]'"#,
            blames: "counts"
        ),
        heartbeat(#"'[{"attempt": 1, "claim_id": "\#(claim)", \#(counts)}]'"#, blames: "batch_number"),
        heartbeat(#"'[{"batch_number": 0, "claim_id": "\#(claim)", \#(counts)}]'"#, blames: "attempt"),
        heartbeat(#"'[{"batch_number": 0, "attempt": 1, \#(counts)}]'"#, blames: "claim_id"),
        heartbeat("'[{\(item), \(counts)}, {\(item)}]'", blames: "counts"),
        heartbeat(
            #"'[{"batch_number": "zero", "attempt": 1, "claim_id": "\#(claim)", \#(counts)}]'"#,
            blames: "parameter"
        ),
        finish("NULL", blames: "counts"), finish("'7'", blames: "counts"),
        finish(#"'{"processed": 3}'"#, blames: "counts"),
        finish(oneFailed, #"'{"record_id": 1}'"#, blames: "failed records"),
        finish(oneFailed, "'[1]'", blames: "failed record"),
        finish(oneFailed, "'[{\(letter), \"stage\": \"nowhere\"}]'", blames: "stage"),
        finish(oneFailed, "'[{\(letter)}]'", blames: "stage"),
        finish(oneFailed, #"'[{"record_id": 1, "stage": "embed", "code": "x", "message": "y"}]'"#, blames: "permanent"),
        Call("finish_batch(1, 0, 1, '\(claim)', NULL, NULL, NULL, NULL, NULL)", blames: "outcome"),
        append("NULL", blames: "page"), append("'{}'", blames: "page"), append("'[]'", blames: "page"),
        append("'[7]'", blames: "batch"), append("'[[]]'", blames: "batch"), append("'[[null]]'", blames: "ids"),
        append("'[[4, null]]'", blames: "ids"), append("'[[4, 5, null]]'", blames: "ids"),
        append("'[[4, null], [6]]'", blames: "ids"), append("'[[4, 5.5]]'", blames: "parameter"),
        append("'[[5, 4]]'", blames: "ids"), append("'[[4, 99999999999999999999]]'", blames: "parameter"),
        Call(
            "append_ingestion_batches(1, 1, (SELECT controller_token FROM public.ingestion_job), NULL, '[[null]]')",
            blames: "ids"
        ),
        Call("requeue_failed_batches(1, gen_random_uuid(), '7', false, 10)", blames: "filter"),
        Call("requeue_failed_batches(1, gen_random_uuid(), NULL, false, 10)", blames: "filter"),
        Call("requeue_failed_batches(1, gen_random_uuid(), '{\"batch_numbers\": 0}', false, 10)", blames: "scalar"),
        // Misspelt, it would name every record.
        Call("requeue_failed_batches(1, gen_random_uuid(), '{\"record_id\": [7]}', false, 10)", blames: "record_id"),
        Call("requeue_failed_records(1, gen_random_uuid(), '{\"codes\": \"x\"}', 10, 10)", blames: "codes"),
        Call("requeue_failed_records(1, gen_random_uuid(), '[]', 10, 10)", blames: "filter"),
        Call("claim_next_batch(1, 'w', NULL, 1, 'hash', NULL)", blames: "claim_id"),
        Call("claim_next_batch(1, 'w', gen_random_uuid(), NULL, 'hash', NULL)", blames: "limit"),
        Call("control_ingestion_job(1, NULL, NULL)", blames: "action"),
    ]

    /// A database with one held and one failed batch, so that every call has something that it could spoil.
    private static func prepare(_ database: TrackingDatabase) async throws {
        let settings = JobSettings(maxRetries: 0, leaseSeconds: 120, batchTimeoutSeconds: 600)
        let plan = try await PlannedJob.make(database.store(), batches: [[1, 2, 3]], settings: settings)
        try await database.run(
            """
            UPDATE public.ingestion_job SET plan_sealed_at = NULL;
            SELECT public.claim_next_batch(\(plan.job), 'w', '\(claim)', 1, 'hash', NULL)
            """
        )
    }

    @Test func `is refused in words, and changes nothing`() async throws {
        try await TrackingDatabase.use { database in
            try await Self.prepare(database)
            let connection = PostgresConnection(try database.login)
            let before = try await connection.run(Self.content)
            for call in Self.calls {
                let failure = await trackingFailure { _ = try await connection.run(call.sql) }
                #expect(failure?.kind == .rejected, "\(call.sql)")
                #expect(
                    failure?.code?.hasPrefix("22") == true || failure?.code == "23514",
                    "\(call.sql): \(failure?.code ?? "")"
                )
                #expect(failure?.detail.contains(call.blames) == true, "\(call.sql): \(failure?.detail ?? "")")
                #expect(try await connection.run(Self.content) == before, "\(call.sql)")
            }
        }
    }

    /// NULL is equal to nothing, and different from nothing either.
    @Test func `an attempt or an epoch that is NULL passes no fence`() async throws {
        try await TrackingDatabase.use { database in
            try await Self.prepare(database)
            let token = "(SELECT controller_token FROM public.ingestion_job)"
            let counts = #"'{"processed": 3, "skipped": 0, "failed": 0, "missing": 0}'"#
            let calls = [
                "finish_batch(1, 0, NULL, '\(Self.claim)', 'completed', \(counts), NULL, NULL, NULL)",
                "finish_batch(1, 0, 1, NULL, 'completed', \(counts), NULL, NULL, NULL)",
                "finish_batch(1, 0, NULL, NULL, 'release', NULL, NULL, NULL, NULL)",
                "append_ingestion_batches(1, NULL, \(token), 3, '[[4]]')",
                "append_ingestion_batches(1, 1, NULL, 3, '[[4]]')",
                "seal_ingestion_plan(1, NULL, \(token), 3, 3, 3)",
                "seal_ingestion_plan(1, 1, NULL, 3, 3, 3)",
                "renew_controller(1, NULL, \(token))",
                "renew_controller(1, 1, NULL)",
            ]
            let connection = PostgresConnection(try database.login)
            let before = try await connection.run(Self.content)
            for call in calls {
                let answer = try await connection.run("SELECT public.\(call) ->> 'result'")
                #expect(answer == [["lost"]], "\(call)")
                #expect(try await connection.run(Self.content) == before, "\(call)")
            }
        }
    }
}
