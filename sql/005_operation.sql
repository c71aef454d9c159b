-- Job tracking, 5 of 12: watching, controlling and ending a job.

-- The counters of a job: one row and sixteen shards, whatever its size. In the form of `JobStats`.
CREATE OR REPLACE FUNCTION public.get_ingestion_job_stats(p_job bigint) RETURNS jsonb
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp SET lock_timeout = '2s' AS $$
    SELECT coalesce((
        SELECT jsonb_build_object('result', 'ok', 'job', public.ingestion_job_summary(j),
            'pending', j.total_batches - c.completed_batches - c.failed_batches - c.in_flight,
            'processing', c.in_flight, 'completed', c.completed_batches, 'failed', c.failed_batches,
            'processed', c.processed, 'skipped', c.skipped, 'failed_records', c.failed, 'missing', c.missing,
            'claims', c.claims, 'retries', c.retries, 'reaps', c.reaps, 'releases', c.releases, 'defers', c.defers,
            'service_failures', c.service_failures, 'service_failures_baseline', j.service_failures_baseline,
            'removed', c.removed, 'removed_baseline', j.removed_baseline,
            'billed_tokens', c.billed_tokens, 'billed_nanodollars', c.billed_nanodollars)
        FROM public.ingestion_job j, (
            SELECT sum(completed_batches) AS completed_batches, sum(failed_batches) AS failed_batches,
                sum(in_flight) AS in_flight, sum(processed) AS processed, sum(skipped) AS skipped,
                sum(failed) AS failed, sum(missing) AS missing, sum(claims) AS claims, sum(retries) AS retries,
                sum(reaps) AS reaps, sum(releases) AS releases, sum(defers) AS defers,
                sum(service_failures) AS service_failures, sum(removed) AS removed,
                sum(billed_tokens) AS billed_tokens, sum(billed_nanodollars) AS billed_nanodollars
            FROM public.ingestion_counter WHERE job_id = p_job
        ) c
        WHERE j.id = p_job
    ), jsonb_build_object('result', 'not_found', 'pending', 0, 'processing', 0, 'completed', 0, 'failed', 0,
        'processed', 0, 'skipped', 0, 'failed_records', 0, 'missing', 0, 'claims', 0, 'retries', 0, 'reaps', 0,
        'releases', 0, 'defers', 0, 'service_failures', 0, 'service_failures_baseline', 0, 'removed', 0,
        'removed_baseline', 0, 'billed_tokens', 0, 'billed_nanodollars', 0))
$$;

-- The same by recounting the tables, in one statement and so in one snapshot; `equal` says whether the counters and the
-- job's totals match (I14, I15). How attempts ended is recounted from the events, if the job records events and has all
-- of them.
CREATE OR REPLACE FUNCTION public.get_ingestion_job_stats_exact(p_job bigint) RETURNS jsonb
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp SET lock_timeout = '2s' AS $$
    SELECT CASE WHEN s.stats ->> 'result' = 'not_found' THEN s.stats ELSE s.stats || r.recount || jsonb_build_object(
        'equal', s.stats @> r.recount AND r.batches = (s.stats -> 'job' ->> 'total_batches')::bigint
            AND r.records = (s.stats -> 'job' ->> 'total_records')::bigint AND r.failed_records = r.open_failures) END
    FROM (SELECT public.get_ingestion_job_stats(p_job) AS stats) s, (
        SELECT b.batches, b.records, b.failed_records, f.open_failures, jsonb_build_object(
            'pending', b.pending, 'processing', b.processing, 'completed', b.completed, 'failed', b.failed,
            'processed', b.processed, 'skipped', b.skipped, 'failed_records', b.failed_records, 'missing', b.missing,
            'claims', b.claims) || e.ends AS recount
        FROM (
            SELECT count(*) AS batches, coalesce(sum(record_count - moved_count), 0) AS records,
                count(*) FILTER (WHERE status = 'pending') AS pending,
                count(*) FILTER (WHERE status = 'processing') AS processing,
                count(*) FILTER (WHERE status = 'completed') AS completed,
                count(*) FILTER (WHERE status = 'failed') AS failed,
                coalesce(sum(processed_count) FILTER (WHERE finished_at IS NOT NULL), 0) AS processed,
                coalesce(sum(skipped_count) FILTER (WHERE finished_at IS NOT NULL), 0) AS skipped,
                coalesce(sum(failed_count) FILTER (WHERE finished_at IS NOT NULL), 0) AS failed_records,
                coalesce(sum(missing_count) FILTER (WHERE finished_at IS NOT NULL), 0) AS missing,
                coalesce(sum(attempt), 0) AS claims
            FROM public.ingestion_batch WHERE job_id = p_job
        ) b, (
            SELECT count(*) AS open_failures FROM public.ingestion_failure WHERE job_id = p_job AND resolved_at IS NULL
        ) f, (
            SELECT CASE WHEN EXISTS (SELECT 1 FROM public.ingestion_job
                WHERE id = p_job AND record_events AND history_cut_at IS NULL)
                THEN jsonb_build_object(
                    'retries', count(*) FILTER (WHERE kind IN ('failed', 'reaped') AND detail ->> 'status' = 'pending'),
                    'reaps', count(*) FILTER (WHERE kind = 'reaped'),
                    'releases', count(*) FILTER (WHERE kind = 'release'),
                    'defers', count(*) FILTER (WHERE kind = 'defer'),
                    'service_failures', coalesce(sum((detail ->> 'service_failures')::bigint), 0),
                    'removed', coalesce(sum((detail ->> 'removed')::bigint), 0),
                    'billed_tokens', coalesce(sum((detail ->> 'tokens')::bigint), 0),
                    'billed_nanodollars', coalesce(sum((detail ->> 'nanodollars')::bigint), 0))
                ELSE '{}' END AS ends
            FROM public.ingestion_event WHERE job_id = p_job
        ) e
    ) r
$$;

-- Pauses, resumes or cancels. Claims hold the job lock shared: once this has returned, no claim commits that did not
-- see it (I8). Batches at work finish normally.
CREATE OR REPLACE FUNCTION public.control_ingestion_job(p_job bigint, p_action text, p_reason text) RETURNS jsonb
LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = pg_catalog, pg_temp SET lock_timeout = '2s' AS $$
DECLARE
    v_now timestamptz := public.ingestion_now();
    v_job public.ingestion_job;
    v_counters record;
    v_target text := CASE p_action WHEN 'pause' THEN 'paused' WHEN 'resume' THEN 'running' WHEN 'cancel' THEN 'cancelled' END;
BEGIN
    PERFORM public.ingestion_require_read_committed();
    PERFORM public.ingestion_require(v_target IS NOT NULL, 'unknown action');
    PERFORM public.ingestion_lock_job(p_job, true);
    SELECT * INTO v_job FROM public.ingestion_job WHERE id = p_job FOR UPDATE;
    IF v_job.id IS NULL THEN
        RETURN jsonb_build_object('result', 'not_found', 'status', NULL);
    ELSIF v_job.status = v_target THEN
        RETURN jsonb_build_object('result', 'unchanged', 'status', v_job.status);
    ELSIF v_job.status NOT IN ('pending', 'running', 'paused') THEN
        RETURN jsonb_build_object('result', 'refused', 'status', v_job.status);
    END IF;
    UPDATE public.ingestion_job SET status = v_target, reason = left(p_reason, 500), updated_at = v_now,
        finished_at = CASE WHEN v_target = 'cancelled' THEN v_now END,
        metadata = metadata || CASE
            WHEN v_target = 'cancelled' THEN jsonb_build_object('end_time', public.ingestion_iso(v_now))
            WHEN v_target = 'running' AND NOT metadata ? 'start_time'
                THEN jsonb_build_object('start_time', public.ingestion_iso(v_now))
            ELSE '{}' END
    WHERE id = p_job RETURNING * INTO v_job;
    IF p_action = 'resume' THEN -- a person has looked at what made a brake pause it: both count anew from here
        SELECT * INTO v_counters FROM public.ingestion_brake_counters(p_job);
        UPDATE public.ingestion_job SET service_failures_baseline = v_counters.service_failures,
            removed_baseline = v_counters.removed
        WHERE id = p_job;
    END IF;
    PERFORM public.ingestion_copy_counters(p_job);
    PERFORM public.ingestion_log(v_job, NULL, CASE p_action WHEN 'resume' THEN 'resumed' ELSE v_target END);
    RETURN jsonb_build_object('result', 'applied', 'status', v_job.status);
END
$$;

-- Ends a job that is sealed and drained (I17). "Drained" is tested in the statement that writes: two statements would
-- see two snapshots, and a reap between them would hide a batch from both. Not with EXISTS, for which the planner reads
-- the table from its start until it finds a row: the latest entry of the index is found first, without passing row
-- versions that are kept for others (I26).
CREATE OR REPLACE FUNCTION public.finalize_ingestion_job(p_job bigint) RETURNS jsonb
LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = pg_catalog, pg_temp SET lock_timeout = '2s' AS $$
DECLARE
    v_now timestamptz := public.ingestion_now();
    v_job public.ingestion_job;
BEGIN
    PERFORM public.ingestion_require_read_committed();
    PERFORM public.ingestion_lock_job(p_job, true);
    SELECT * INTO v_job FROM public.ingestion_job WHERE id = p_job FOR UPDATE;
    IF v_job.id IS NULL THEN
        RETURN jsonb_build_object('result', 'not_found', 'status', NULL);
    ELSIF v_job.status IN ('completed', 'failed', 'cancelled') THEN
        RETURN jsonb_build_object('result', 'already', 'status', v_job.status);
    END IF;
    UPDATE public.ingestion_job j SET
        status = CASE WHEN (SELECT b.id FROM public.ingestion_batch b WHERE b.job_id = p_job AND b.status = 'failed'
            ORDER BY b.batch_number DESC LIMIT 1) IS NULL THEN 'completed' ELSE 'failed' END,
        finished_at = v_now, updated_at = v_now, counted_at = v_now,
        metadata = metadata || jsonb_build_object('end_time', public.ingestion_iso(v_now)),
        completed_batches = c.completed_batches, failed_batches = c.failed_batches, processed_records = c.processed,
        skipped_records = c.skipped, failed_records = c.failed, missing_records = c.missing
    FROM (
        SELECT sum(completed_batches) AS completed_batches, sum(failed_batches) AS failed_batches,
            sum(processed) AS processed, sum(skipped) AS skipped, sum(failed) AS failed, sum(missing) AS missing
        FROM public.ingestion_counter WHERE job_id = p_job
    ) c
    WHERE j.id = p_job AND j.status IN ('running', 'paused') AND j.plan_sealed_at IS NOT NULL
        AND (SELECT b.id FROM public.ingestion_batch b WHERE b.job_id = p_job AND b.status = 'processing'
            ORDER BY b.claimed_at DESC LIMIT 1) IS NULL
        AND (SELECT b.id FROM public.ingestion_batch b WHERE b.job_id = p_job AND b.status = 'pending'
            ORDER BY b.next_retry_at DESC, b.batch_number DESC LIMIT 1) IS NULL
    RETURNING j.* INTO v_job;
    IF NOT FOUND THEN
        RETURN jsonb_build_object('result', 'not_ready', 'status', (SELECT status FROM public.ingestion_job WHERE id = p_job));
    END IF;
    PERFORM public.ingestion_log(v_job, NULL, 'finalized', jsonb_build_object('status', v_job.status));
    RETURN jsonb_build_object('result', 'finalized', 'status', v_job.status);
END
$$;
