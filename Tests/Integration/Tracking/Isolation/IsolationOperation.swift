/// A call that several workers, runners or people may make at the same time; the part of a step order that has a name.
enum IsolationOperation: String, CaseIterable, Sendable {
    case claim, repeatedClaim, heartbeat, finish, repeatedFinish, reset, pause, cancel, seal
    /// Not of the nine that are combined with each other: named specs use it.
    case finalize
    /// A runner that was told of the job asks to control it; its controller lease has run out.
    case join
    /// Holds what the bad variant of finalize waits for between its two statements; nothing else knows it.
    case gate

    /// The nine of which every pair and every triple is tried.
    static let combined: [Self] = allCases.filter { ![.finalize, .join, .gate].contains($0) }

    /// What a repeat repeats: in the group it overlaps with it, else it has been committed before.
    var original: Self? {
        switch self {
        case .repeatedClaim: .claim
        case .repeatedFinish: .finish
        default: nil
        }
    }

    /// Whether it leaves out rows that others hold, instead of waiting for them.
    var passesOver: Bool { [.claim, .repeatedClaim, .reset].contains(self) }

    /// Whether such a call, by its answer, has done nothing.
    func isNothing(_ answer: String) -> Bool {
        answer.contains(#""batches": []"#) || answer.contains(#""reset": 0, "failed": 0"#)
    }

    /// The call on a scene's job.
    ///
    /// Batch 0 was claimed as its attempt 1 by claim 0, and its lease has run out. Claims of one group are told apart by
    /// their number; what is repeated is claim 1.
    func sql(job: Int, claim: Int = 1) -> String {
        let call =
            switch self {
            case .claim, .repeatedClaim:
                "claim_next_batch(\(job), 'new', public.test_claim(\(job), \(claim)), 3, 'hash', NULL)"
            case .heartbeat:
                """
                bump_batch_progress(\(job), 'old', jsonb_build_array(jsonb_build_object('batch_number', 0, 'attempt', 1,
                    'claim_id', public.test_claim(\(job), 0), 'counts', '{"processed": 1, "skipped": 0, "failed": 0, "missing": 0}'::jsonb)))
                """
            case .finish, .repeatedFinish:
                """
                finish_batch(\(job), 0, 1, public.test_claim(\(job), 0), 'completed',
                    '{"processed": 2, "skipped": 0, "failed": 0, "missing": 0}', NULL, NULL, NULL)
                """
            case .reset: "reset_stuck_batches(\(job), 10, false)"
            case .pause: "control_ingestion_job(\(job), 'pause', NULL)"
            case .cancel: "control_ingestion_job(\(job), 'cancel', NULL)"
            case .seal: "seal_ingestion_plan(\(job), 1, public.test_claim(\(job), 9), 3, 3, NULL)"
            case .finalize: "finalize_ingestion_job(\(job))"
            case .join: "test_join(\(job))"
            case .gate: "test_gate(\(job))"
            }
        return "SELECT public.test_answer(to_jsonb(public.\(call)))"
    }
}

/// Where a scene begins.
enum IsolationScene: Int, Sendable {
    /// A running job whose plan is open: batch 0 is held by a worker that went silent, batch 1 may be claimed.
    case working
    /// The same but sealed, and batch 0 is all there is.
    case drained
    /// As drained, and the budget is used up: the next failure is the last.
    case spent

    /// Makes a scene and answers its job.
    var sql: String { "SELECT public.test_scene(\(rawValue))" }

    /// What tells how a scene ended: its state without times.
    static func endSQL(job: Int) -> String { "SELECT public.test_state(\(job))" }

    /// The functions that a test database needs besides ours.
    static let functions = """
        CREATE FUNCTION public.test_claim(p_job bigint, p_number integer) RETURNS uuid LANGUAGE sql IMMUTABLE AS $$
            SELECT (lpad(to_hex(p_job), 8, '0') || '-0000-4000-8000-00000000000' || p_number)::uuid
        $$;

        CREATE FUNCTION public.test_gate(p_job bigint) RETURNS text LANGUAGE sql VOLATILE AS $$
            SELECT pg_advisory_xact_lock(hashtextextended('test gate ' || p_job, 0))::text
        $$;

        -- The job's names and times differ between equal answers.
        CREATE FUNCTION public.test_join(p_job bigint) RETURNS jsonb LANGUAGE sql VOLATILE AS $$
            SELECT j - 'job' || jsonb_build_object('status', j #> '{job,status}', 'sealed', j #> '{job,sealed}')
            FROM public.join_ingestion_job(p_job, 'hash', 'other', public.test_claim(p_job, 8)) j
        $$;

        -- Times and what is only speed differ between equal answers.
        CREATE FUNCTION public.test_answer(p_answer jsonb) RETURNS text LANGUAGE sql IMMUTABLE AS $$
            SELECT regexp_replace(p_answer::text, '"(lease_ms|deadline_ms|wait_ms|floor)": (\\d+|null|{[^}]*})(, )?', '', 'g')
        $$;

        CREATE FUNCTION public.test_scene(p_scene integer) RETURNS bigint LANGUAGE plpgsql AS $$
        DECLARE
            v_token uuid := gen_random_uuid();
            v_job bigint;
        BEGIN
            v_job := public.open_ingestion_job(v_token::text, 'hash', '{}', jsonb_build_object('max_retries',
                CASE p_scene WHEN 2 THEN 0 ELSE 3 END, 'lease_seconds', 120, 'batch_timeout_seconds', 600,
                'backoff_base_seconds', 0, 'backoff_cap_seconds', 0, 'record_events', true), 'me', v_token, true)
                #>> '{job,id}';
            PERFORM public.append_ingestion_batches(v_job, 1, v_token, NULL,
                CASE p_scene WHEN 0 THEN '[[1, 2], [3]]' ELSE '[[1, 2]]' END::jsonb);
            IF p_scene > 0 THEN
                PERFORM public.seal_ingestion_plan(v_job, 1, v_token, 2, 2, NULL);
            END IF;
            PERFORM public.claim_next_batch(v_job, 'old', public.test_claim(v_job, 0), 1, 'hash', NULL);
            UPDATE public.ingestion_batch SET claimed_at = claimed_at - interval '200 s',
                lease_expires_at = lease_expires_at - interval '200 s', deadline_at = deadline_at - interval '200 s'
            WHERE job_id = v_job AND status = 'processing';
            UPDATE public.ingestion_event SET at = at - interval '200 s' WHERE job_id = v_job;
            UPDATE public.ingestion_job SET controller_token = public.test_claim(v_job, 9),
                controller_expires_at = controller_expires_at - interval '200 s',
                metadata = jsonb_build_object('start_time', public.ingestion_iso(now() - interval '200 s'))
            WHERE id = v_job;
            RETURN v_job;
        END
        $$;

        CREATE FUNCTION public.test_state(p_job bigint) RETURNS text LANGUAGE sql STABLE AS $$
            SELECT concat_ws(' | ', 'epoch ' || j.controller_epoch, j.status || CASE WHEN j.plan_sealed_at IS NULL THEN ' open' ELSE ' sealed' END,
                (SELECT string_agg(concat_ws(' ', b.batch_number, b.status, b.attempt, b.retry_count, right(b.claim_id::text, 1),
                    b.last_outcome, b.error_code, b.processed_count, b.lease_expires_at > now(), b.next_retry_at <= now()),
                    ', ' ORDER BY b.batch_number) FROM public.ingestion_batch b WHERE b.job_id = p_job),
                (SELECT string_agg(concat_ws(' ', e.batch_number, e.attempt, e.kind), ', ' ORDER BY e.batch_number, e.id)
                    FROM public.ingestion_event e WHERE e.job_id = p_job),
                (SELECT string_agg(f.record_id || ' ' || f.code, ', ' ORDER BY f.record_id)
                    FROM public.ingestion_failure f WHERE f.job_id = p_job))
            FROM public.ingestion_job j WHERE j.id = p_job
        $$
        """
}
