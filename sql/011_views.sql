-- Job tracking, 11 of 12: which processes are at work and why they wait, and what people and dashboards read.

-- A process reports what it does: after each change, and every half minute. This decides nothing, so a program without
-- these calls works as well, and a failed report costs nothing but the news. Times are sent as ages on the clock of the
-- process, and stored as times of this database's clock. Also refreshes the job's copies of the counters, so they stay
-- fresh when a process dies.
CREATE OR REPLACE FUNCTION public.report_runner(p_job bigint, p_runner text, p_report jsonb) RETURNS jsonb
LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = pg_catalog, pg_temp SET lock_timeout = '2s' AS $$
DECLARE
    v_now timestamptz := public.ingestion_now();
    v_longest constant bigint := 315360000000; -- ten years, so that no time leaves its range
    v_job public.ingestion_job;
    v_new public.ingestion_runner;
    v_age bigint;
BEGIN
    PERFORM public.ingestion_require_read_committed();
    PERFORM public.ingestion_require(length(p_runner) BETWEEN 1 AND 200, 'a runner has a name of 1…200 characters');
    PERFORM public.ingestion_require(jsonb_typeof(p_report) = 'object', 'the report must be an object');
    v_new.workers := (p_report ->> 'workers')::integer;
    v_new.held := (p_report ->> 'held')::integer;
    v_new.batches := (p_report ->> 'batches')::bigint;
    v_new.records := (p_report ->> 'records')::bigint;
    v_new.state := p_report ->> 'state';
    PERFORM public.ingestion_require(num_nulls(p_report ->> 'host', v_new.workers, v_new.held, v_new.batches, v_new.records,
        v_new.state) = 0 AND least(v_new.workers, v_new.held, v_new.batches, v_new.records) >= 0,
        'a report has host, workers, held, batches, records and state; no number is negative');
    PERFORM public.ingestion_require(v_new.records <= 1000000000000000, 'records must be at most 1000000000000000');
    PERFORM public.ingestion_require(v_new.state ~ '^[a-z_]{1,40}$', 'a state is a word');
    v_age := least(greatest(0, coalesce((p_report ->> 'since_ms')::bigint, 0)), v_longest);
    v_new.since := v_now - v_age * interval '1 ms';
    v_age := least(greatest(0, coalesce((p_report ->> 'started_ms')::bigint, 0)), v_longest);
    v_new.started_at := v_now - v_age * interval '1 ms';
    IF p_report ->> 'until_ms' IS NOT NULL THEN -- greatest passes over NULL
        v_age := least(greatest(0, (p_report ->> 'until_ms')::bigint), v_longest);
        v_new.until := v_now + v_age * interval '1 ms';
    END IF;

    SELECT * INTO v_job FROM public.ingestion_job WHERE id = p_job;
    IF v_job.id IS NULL THEN
        RETURN '{"result": "not_found"}';
    END IF;
    -- A transaction that holds the row of the job refreshes them, or is about to: no report waits for a copy.
    IF v_job.counted_at IS NULL OR v_job.counted_at <= v_now - interval '10 seconds' OR v_new.state = 'left' THEN
        PERFORM 1 FROM public.ingestion_job WHERE id = p_job FOR NO KEY UPDATE SKIP LOCKED;
        IF FOUND THEN
            PERFORM public.ingestion_copy_counters(p_job);
        END IF;
    END IF;
    INSERT INTO public.ingestion_runner AS r (job_id, runner, host, workers, held, batches, records, state, service, reason,
        since, until, started_at, seen, marked_at, marked_records)
    VALUES (p_job, p_runner, left(p_report ->> 'host', 200), v_new.workers, v_new.held, v_new.batches, v_new.records,
        v_new.state, left(p_report ->> 'service', 40), left(p_report ->> 'reason', 500), v_new.since, v_new.until,
        v_new.started_at, v_now, v_now, v_new.records)
    ON CONFLICT (job_id, runner) DO UPDATE SET
        host = excluded.host, workers = excluded.workers, held = excluded.held, batches = excluded.batches,
        records = excluded.records, state = excluded.state, service = excluded.service, reason = excluded.reason,
        -- The age counts from the first report of a wait; otherwise the wait would begin anew with each report.
        since = CASE WHEN (r.state, r.service, r.reason) IS NOT DISTINCT FROM
            (excluded.state, excluded.service, excluded.reason) THEN r.since ELSE excluded.since END,
        until = excluded.until, seen = excluded.seen,
        -- Fewer records than before: a new process has the name of an old one.
        started_at = CASE WHEN excluded.records < r.records THEN excluded.started_at ELSE r.started_at END,
        records_per_minute = CASE WHEN excluded.records < r.records THEN NULL
            WHEN excluded.seen - r.marked_at >= interval '1 minute'
            THEN floor((excluded.records - r.marked_records) * 60.0 / extract(epoch FROM excluded.seen - r.marked_at))
            ELSE r.records_per_minute END,
        marked_at = CASE WHEN excluded.records < r.records OR excluded.seen - r.marked_at >= interval '1 minute'
            THEN excluded.seen ELSE r.marked_at END,
        marked_records = CASE WHEN excluded.records < r.records OR excluded.seen - r.marked_at >= interval '1 minute'
            THEN excluded.records ELSE r.marked_records END
    RETURNING r.* INTO v_new;
    IF v_new.marked_at = v_now AND v_new.records_per_minute IS NULL THEN -- it is new
        DELETE FROM public.ingestion_runner o WHERE o.job_id = p_job AND o.runner IN (
            SELECT d.runner FROM public.ingestion_runner d WHERE d.job_id = p_job AND d.runner <> p_runner
                AND d.seen < v_now - CASE d.state WHEN 'left' THEN interval '1 hour' ELSE interval '1 day' END
            ORDER BY d.runner LIMIT 1000 FOR UPDATE SKIP LOCKED);
    END IF;
    RETURN '{"result": "ok"}';
END
$$;

-- The processes of a job by name, in the order of bytes (`RunnerSummary`). Times are ages.
CREATE OR REPLACE FUNCTION public.list_ingestion_runners(p_job bigint, p_filter jsonb, p_after text, p_limit integer)
RETURNS jsonb
LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = pg_catalog, pg_temp SET lock_timeout = '2s' AS $$
DECLARE
    v_now timestamptz := public.ingestion_now();
    v_within bigint := (p_filter ->> 'seen_within_ms')::bigint;
BEGIN
    PERFORM public.ingestion_require(p_limit BETWEEN 1 AND 1000, 'limit must be 1…1000');
    RETURN (
        SELECT jsonb_build_object(
            'rows', coalesce(jsonb_agg(jsonb_build_object(
                'runner', s.runner, 'host', s.host, 'workers', s.workers, 'held', s.held, 'batches', s.batches,
                'records', s.records, 'state', s.state, 'service', s.service, 'reason', s.reason,
                'since_ms', public.ingestion_ms(s.since, v_now), 'until_ms', public.ingestion_wait_ms(v_now, s.until),
                'started_ms', public.ingestion_ms(s.started_at, v_now), 'seen_ms', public.ingestion_ms(s.seen, v_now),
                'records_per_minute', s.records_per_minute)
                ORDER BY s.n) FILTER (WHERE s.n <= p_limit), '[]'),
            'next', CASE WHEN count(*) > p_limit
                THEN max(s.runner COLLATE pg_catalog."C") FILTER (WHERE s.n <= p_limit) END)
        FROM (
            SELECT r.*, row_number() OVER (ORDER BY r.runner COLLATE pg_catalog."C") AS n
            FROM public.ingestion_runner r
            WHERE r.job_id = p_job AND (p_after IS NULL OR r.runner COLLATE pg_catalog."C" > p_after)
                AND (v_within IS NULL OR r.seen >= v_now - least(v_within, 315360000000) * interval '1 ms')
            ORDER BY r.runner COLLATE pg_catalog."C" LIMIT p_limit + 1
        ) s
    );
END
$$;

-- The views. Each is made only if it is missing or differs from this text, as its comment shows: replacing it would
-- lock it. A later version may add columns at the end. With the rights of the caller, so that a grant on a view opens
-- no table.
DO $$
DECLARE
    v_view record;
    v_comment text;
BEGIN
    FOR v_view IN SELECT * FROM (VALUES
        ('ingestion_progress', 'How far each job is, by the counters: as of now.', $view$
            SELECT j.id AS job_id, j.target_key, j.status, j.reason, j.plan_sealed_at IS NOT NULL AS is_planned,
                j.total_records, c.done AS records_done, c.processed, c.skipped, c.failed, c.missing,
                j.total_batches, c.completed_batches, c.failed_batches, c.in_flight AS batches_in_work,
                -- If the plan is not complete, the share is unknown.
                CASE WHEN j.plan_sealed_at IS NULL THEN NULL WHEN j.total_records = 0 THEN 100.0
                    ELSE round(100.0 * c.done / j.total_records, 1) END AS percent,
                coalesce(r.alive, 0) AS runners, coalesce(r.workers, 0) AS workers, r.seen AS last_sign_of_life,
                s.records_per_minute,
                CASE WHEN j.status = 'running' AND j.plan_sealed_at IS NOT NULL AND s.records_per_minute > 0
                    THEN make_interval(secs => s.seconds_left) END AS remaining,
                CASE WHEN j.status = 'running' AND j.plan_sealed_at IS NOT NULL AND s.records_per_minute > 0
                    THEN now() + make_interval(secs => s.seconds_left) END AS expected_end,
                c.billed_tokens, round(c.billed_nanodollars / 1e9, 6) AS billed_dollars,
                -- Assuming that the rest costs as much per record as what was done.
                CASE WHEN j.plan_sealed_at IS NOT NULL AND c.done > 0
                    THEN round(c.billed_tokens * j.total_records / c.done) END AS expected_tokens,
                CASE WHEN j.plan_sealed_at IS NOT NULL AND c.done > 0
                    THEN round(c.billed_nanodollars / 1e9 * j.total_records / c.done, 6) END AS expected_dollars,
                c.claims, c.retries, c.reaps, c.releases, c.defers,
                (j.metadata ->> 'start_time')::timestamptz AS started_at, j.finished_at, now() AS as_of
            FROM public.ingestion_job j
            CROSS JOIN LATERAL (
                SELECT coalesce(sum(processed + skipped + failed + missing), 0) AS done, coalesce(sum(processed), 0) AS processed,
                    coalesce(sum(skipped), 0) AS skipped, coalesce(sum(failed), 0) AS failed,
                    coalesce(sum(missing), 0) AS missing, coalesce(sum(completed_batches), 0) AS completed_batches,
                    coalesce(sum(failed_batches), 0) AS failed_batches, coalesce(sum(in_flight), 0) AS in_flight,
                    coalesce(sum(claims), 0) AS claims, coalesce(sum(retries), 0) AS retries, coalesce(sum(reaps), 0) AS reaps,
                    coalesce(sum(releases), 0) AS releases, coalesce(sum(defers), 0) AS defers,
                    coalesce(sum(billed_tokens), 0) AS billed_tokens,
                    coalesce(sum(billed_nanodollars), 0) AS billed_nanodollars
                FROM public.ingestion_counter WHERE job_id = j.id
            ) c
            CROSS JOIN LATERAL (
                SELECT max(seen) AS seen, count(*) FILTER (WHERE w.is_alive) AS alive,
                    sum(workers) FILTER (WHERE w.is_alive) AS workers, sum(records_per_minute) FILTER (WHERE w.is_alive) AS rate
                FROM public.ingestion_runner n
                CROSS JOIN LATERAL (SELECT n.state <> 'left' AND n.seen > now() - interval '90 seconds' AS is_alive) w
                WHERE n.job_id = j.id
            ) r
            -- The records of the last minute from the runners' reports; without reports, the average since the job was
            -- started.
            CROSS JOIN LATERAL (
                SELECT m.records_per_minute, -- a century at most: what is longer has no end
                    least((j.total_records - c.done) * 60.0 / nullif(m.records_per_minute, 0), 3155760000)::double precision
                        AS seconds_left
                FROM (SELECT coalesce(r.rate, CASE WHEN j.metadata ? 'start_time' THEN floor(c.done * 60.0 / nullif(extract(epoch FROM
                    coalesce(j.finished_at, now()) - (j.metadata ->> 'start_time')::timestamptz), 0)) END) AS records_per_minute
                ) m
            ) s
            $view$),
        ('ingestion_workers', 'The processes at work on each job, and those that were: what they do and when they were last seen.',
            $view$
            SELECT r.job_id, r.runner, r.host, r.workers, r.held AS batches_held, r.batches AS batches_done,
                r.records AS records_done, r.records_per_minute, r.state, r.service, r.reason, r.since,
                r.until AS waits_until, r.started_at, r.seen AS last_sign_of_life, now() - r.seen AS silent_for,
                r.state <> 'left' AND r.seen > now() - interval '90 seconds' AS is_alive
            FROM public.ingestion_runner r
            UNION ALL
            -- Programs before version 4 send no reports; their batches show them.
            SELECT b.job_id, b.runner, regexp_replace(b.runner, ':[^:]*$', ''), b.workers, b.held, NULL, NULL, NULL, 'unknown',
                NULL, NULL, b.since, NULL, NULL, b.seen, now() - b.seen, b.is_alive
            FROM (
                SELECT p.job_id, regexp_replace(p.worker_id, '/[^/]*$', '') AS runner,
                    count(DISTINCT p.worker_id)::integer AS workers, count(*)::integer AS held, min(p.claimed_at) AS since,
                    max(p.updated_at) AS seen, bool_or(p.lease_expires_at > now()) AS is_alive
                FROM public.ingestion_batch p WHERE p.status = 'processing' GROUP BY 1, 2
            ) b
            WHERE NOT EXISTS (SELECT 1 FROM public.ingestion_runner r WHERE r.job_id = b.job_id AND r.runner = b.runner)
            $view$),
        ('ingestion_failure_groups', 'The open failures of each job by stage and code.', $view$
            SELECT f.job_id, f.stage, f.code, count(*) AS records, count(*) FILTER (WHERE f.permanent) AS permanent_records,
                min(f.record_id) AS example_record_id, (array_agg(f.message ORDER BY f.record_id))[1] AS example_message,
                min(f.first_at) AS first_at, max(f.last_at) AS last_at
            FROM public.ingestion_failure f WHERE f.resolved_at IS NULL GROUP BY f.job_id, f.stage, f.code
            $view$)
        ) v (name, about, definition)
    LOOP
        v_comment := v_view.about || ' ' || left(md5(v_view.definition), 8);
        IF obj_description(to_regclass('public.' || v_view.name), 'pg_class') IS DISTINCT FROM v_comment THEN
            EXECUTE format('CREATE OR REPLACE VIEW public.%I WITH (security_invoker = true) AS %s', v_view.name,
                v_view.definition);
            EXECUTE format('COMMENT ON VIEW public.%I IS %L', v_view.name, v_comment);
        END IF;
    END LOOP;
END
$$;
