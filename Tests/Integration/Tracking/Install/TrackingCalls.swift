/// Every function that clients call, in SQL, with arguments that a job takes through its life: in this order each of them does
/// something, and repeated it harms nothing.
enum TrackingCalls {
    static let token = "11111111-0000-4000-8000-000000000000"
    static let claim = "22222222-0000-4000-8000-000000000000"

    static let open = """
        open_ingestion_job('target', 'hash', '{"collection": "c"}', '{"max_retries": 0, "lease_seconds": 120,
            "batch_timeout_seconds": 600, "backoff_base_seconds": 30, "backoff_cap_seconds": 1800, "record_events": true,
            "servers": {"points": ["https://q"]}}', 'me', '\(token)', true)
        """
    static let append = "append_ingestion_batches(1, 1, '\(token)', NULL, '[[1, 2], [3, 4], [5]]')"
    static let seal = "seal_ingestion_plan(1, 1, '\(token)', 5, 5, 5)"

    static func claim(_ id: String, limit: Int = 1) -> String {
        "claim_next_batch(1, 'me', '\(id)', \(limit), 'hash', NULL)"
    }

    static let fail = """
        finish_batch(1, 0, 1, '\(claim)', 'failed', '{"processed": 0, "skipped": 0, "failed": 2, "missing": 0}', NULL, NULL,
            '{"code": "c", "message": "m"}')
        """
    static let complete = """
        finish_batch(1, 1, 1, '\(claim)', 'completed', '{"processed": 1, "skipped": 0, "failed": 1, "missing": 0}',
            '[{"record_id": 4, "stage": "embed", "code": "c", "message": "m", "permanent": true}]', NULL, NULL)
        """
    static let requeueBatches = """
        requeue_failed_batches(1, '33333333-0000-4000-8000-000000000000', '{}', true, 10)
        """
    static let requeueRecords = """
        requeue_failed_records(1, '44444444-0000-4000-8000-000000000000', '{}', 10, 10)
        """

    static let all = [
        "schema_version()", open, "join_ingestion_job(1, 'hash', 'me', '\(token)')",
        #"add_ingestion_servers(1, '{"source": ["s"]}')"#, "renew_controller(1, 1, '\(token)')", append, seal,
        claim(claim, limit: 2),
        """
        bump_batch_progress(1, 'me', '[{"batch_number": 0, "attempt": 1, "claim_id": "\(claim)",
            "counts": {"processed": 1, "skipped": 0, "failed": 0, "missing": 0}}]')
        """,
        fail, complete, "reset_stuck_batches(1, 10, true)", "get_ingestion_job_stats(1)",
        "get_ingestion_job_stats_exact(1)", "control_ingestion_job(1, 'pause', 'why')",
        "control_ingestion_job(1, 'resume', 'why')",
        #"release_ingestion_batches(1, '{"worker": "me", "older_than_ms": 1}', 10, false)"#, "recount_ingestion_job(1)",
        "finalize_ingestion_job(1)", requeueBatches, requeueRecords,
        #"report_quota('q', '{"tokens_per_minute": 1000, "throttled_ms": 10}')"#, "reserve_quota('q', 10, 1000)",
        "list_ingestion_quotas(NULL, 10)", "reset_ingestion_quota('q')", "list_ingestion_jobs(NULL, '{}', NULL, 10)",
        "list_ingestion_batches(1, '{}', NULL, 10)", "list_ingestion_failures(1, '{}', NULL, 10)",
        "list_ingestion_events(1, '{}', NULL, 10)",
        #"""
        report_runner(1, 'me', '{"host": "h", "workers": 1, "held": 0, "batches": 0, "records": 0, "state": "idle"}')
        """#,
        "list_ingestion_runners(1, '{}', NULL, 10)",
        "list_ingestion_retention(NULL, 10)", "get_ingestion_job_rows(1)", "delete_ingestion_events(1, 10, NULL)",
        "delete_ingestion_job(1, 10, 3600000)",
    ]

    /// The names in `all`.
    static let names = Set(all.map { String($0.prefix { $0 != "(" }) })
}
