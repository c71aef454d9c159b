-- Job tracking, 10 of 12: deleting old jobs. The program decides which jobs may be deleted (`Retention`); that a job is
-- not open, and was not opened again meanwhile, is tested here, on its locked row.
--
-- A deletion goes page by page, each a short transaction with the job lock: first batches with their records, the
-- latest first, then dead letters, then events, and last the counters and the row of the job. Ends of attempts write
-- dead letters, events and counters only while they hold a batch; when no batch is left, these are not written any
-- more. Its progress is stored in the job's row, so that no page searches what earlier pages have left to the vacuum.

-- Whether a finished job may be changed here: NULL, or why not. p_older_than_ms NULL = whenever it ended.
CREATE OR REPLACE FUNCTION public.ingestion_retained(p_job public.ingestion_job, p_older_than_ms bigint) RETURNS text
LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    PERFORM public.ingestion_require(coalesce(p_older_than_ms, 0) >= 0, 'older_than_ms must not be negative');
    RETURN CASE
        WHEN p_job.status IN ('pending', 'running', 'paused') THEN 'open'
        -- A thousand years has the same effect as any longer time, and fits into an interval.
        WHEN p_older_than_ms IS NOT NULL AND p_job.finished_at > public.ingestion_now()
            - make_interval(secs => least(p_older_than_ms, 31557600000000) / 1000.0) THEN 'too_young' END;
END
$$;

-- Deletes at most p_limit batches, dead letters and events of an ended job, and says whether there is more. From the
-- first page on the job is cancelled, so that nothing opens it again; after an interruption the next call continues,
-- whichever client makes it. If the job's row was deleted by hand, what it has left behind is deleted in the same way.
CREATE OR REPLACE FUNCTION public.delete_ingestion_job(p_job bigint, p_limit integer, p_older_than_ms bigint)
RETURNS jsonb
LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = pg_catalog, pg_temp SET lock_timeout = '2s'
    SET plan_cache_mode = force_custom_plan SET jit = off AS $$
DECLARE
    v_job public.ingestion_job;
    v_refusal text;
    v_done jsonb;
    v_below bigint;
    v_from bigint;
    v_left integer := p_limit;
    v_batches integer := 0;
    v_failures integer := 0;
    v_events integer := 0;
    v_counters integer := 0;
BEGIN
    PERFORM public.ingestion_require_read_committed();
    PERFORM public.ingestion_require(p_limit BETWEEN 1 AND 10000, 'limit must be 1…10000');
    PERFORM public.ingestion_lock_job(p_job, true);
    SELECT * INTO v_job FROM public.ingestion_job WHERE id = p_job FOR UPDATE;
    v_done := coalesce(v_job.deletion, '{}');
    v_refusal := CASE WHEN v_job.deletion IS NULL THEN public.ingestion_retained(v_job, p_older_than_ms) END;
    IF v_refusal IS NOT NULL THEN
        RETURN jsonb_build_object('result', v_refusal, 'batches', 0, 'failures', 0, 'events', 0, 'more', false);
    END IF;

    v_below := (v_done ->> 'batch')::bigint;
    SELECT min(s.batch_number), count(*) INTO v_from, v_batches FROM (
        SELECT b.batch_number FROM public.ingestion_batch b
        WHERE b.job_id = p_job AND (v_below IS NULL OR b.batch_number < v_below)
        ORDER BY b.batch_number DESC LIMIT v_left) s;
    IF v_batches > 0 THEN
        -- A late end or heartbeat may hold some of them; locked in ascending order, as everywhere.
        PERFORM 1 FROM public.ingestion_batch b
        WHERE b.job_id = p_job AND b.batch_number >= v_from AND (v_below IS NULL OR b.batch_number < v_below)
        ORDER BY b.batch_number FOR UPDATE;
        DELETE FROM public.ingestion_batch_ids i
        WHERE i.job_id = p_job AND i.batch_number >= v_from AND (v_below IS NULL OR i.batch_number < v_below);
        DELETE FROM public.ingestion_batch b
        WHERE b.job_id = p_job AND b.batch_number >= v_from AND (v_below IS NULL OR b.batch_number < v_below);
        v_done := v_done || jsonb_build_object('batch', v_from);
        v_left := v_left - v_batches;
    END IF;

    IF v_left > 0 THEN
        v_below := (v_done ->> 'record')::bigint;
        SELECT min(s.record_id), count(*) INTO v_from, v_failures FROM (
            SELECT f.record_id FROM public.ingestion_failure f
            WHERE f.job_id = p_job AND (v_below IS NULL OR f.record_id < v_below)
            ORDER BY f.record_id DESC LIMIT v_left) s;
        IF v_failures > 0 THEN
            DELETE FROM public.ingestion_failure f
            WHERE f.job_id = p_job AND f.record_id >= v_from AND (v_below IS NULL OR f.record_id < v_below);
            v_done := v_done || jsonb_build_object('record', v_from);
            v_left := v_left - v_failures;
        END IF;
    END IF;

    IF v_left > 0 THEN
        v_below := (v_done ->> 'event')::bigint;
        SELECT min(s.id), count(*) INTO v_from, v_events FROM (
            SELECT e.id FROM public.ingestion_event e
            WHERE e.job_id = p_job AND (v_below IS NULL OR e.id < v_below) AND e.id > coalesce(v_job.history_cut_id, 0)
            ORDER BY e.id DESC LIMIT v_left) s;
        IF v_events > 0 THEN
            DELETE FROM public.ingestion_event e
            WHERE e.job_id = p_job AND e.id >= v_from AND (v_below IS NULL OR e.id < v_below);
            v_done := v_done || jsonb_build_object('event', v_from);
            v_left := v_left - v_events;
        END IF;
    END IF;

    IF v_left > 0 THEN
        DELETE FROM public.ingestion_runner WHERE job_id = p_job;
        DELETE FROM public.ingestion_counter WHERE job_id = p_job;
        GET DIAGNOSTICS v_counters = ROW_COUNT;
        DELETE FROM public.ingestion_job WHERE id = p_job;
    ELSIF v_job.id IS NOT NULL THEN
        UPDATE public.ingestion_job SET deletion = v_done, status = 'cancelled', updated_at = public.ingestion_now(),
            reason = 'it is being deleted: `migrate prune`, or `migrate delete --job ' || p_job || '`, goes on with it'
        WHERE id = p_job;
    END IF;
    RETURN jsonb_build_object('result',
        CASE WHEN v_job.id IS NULL AND v_batches + v_failures + v_events + v_counters = 0 THEN 'not_found' ELSE 'applied' END,
        'batches', v_batches, 'failures', v_failures, 'events', v_events, 'more', v_left = 0);
END
$$;

-- Deletes at most p_limit events of an ended job, the oldest first, and says whether there are more; the job stays. Its
-- row stores up to which event its history is cut, because the exact stats recount from the events.
CREATE OR REPLACE FUNCTION public.delete_ingestion_events(p_job bigint, p_limit integer, p_older_than_ms bigint)
RETURNS jsonb
LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = pg_catalog, pg_temp SET lock_timeout = '2s'
    SET plan_cache_mode = force_custom_plan SET jit = off AS $$
DECLARE
    v_job public.ingestion_job;
    v_result text;
    v_through bigint;
    v_events integer := 0;
BEGIN
    PERFORM public.ingestion_require_read_committed();
    PERFORM public.ingestion_require(p_limit BETWEEN 1 AND 10000, 'limit must be 1…10000');
    PERFORM public.ingestion_lock_job(p_job, true);
    SELECT * INTO v_job FROM public.ingestion_job WHERE id = p_job FOR UPDATE;
    v_result := CASE WHEN v_job.id IS NULL THEN 'not_found' ELSE public.ingestion_retained(v_job, p_older_than_ms) END;
    IF v_result IS NOT NULL THEN
        RETURN jsonb_build_object('result', v_result, 'batches', 0, 'failures', 0, 'events', 0, 'more', false);
    END IF;
    SELECT max(s.id), count(*) INTO v_through, v_events FROM (
        SELECT e.id FROM public.ingestion_event e
        WHERE e.job_id = p_job AND e.id > coalesce(v_job.history_cut_id, 0)
        ORDER BY e.id LIMIT p_limit) s;
    IF v_events > 0 THEN
        DELETE FROM public.ingestion_event e
        WHERE e.job_id = p_job AND e.id > coalesce(v_job.history_cut_id, 0) AND e.id <= v_through;
        UPDATE public.ingestion_job SET history_cut_at = public.ingestion_now(), history_cut_id = v_through WHERE id = p_job;
    END IF;
    RETURN jsonb_build_object('result', 'applied', 'batches', 0, 'failures', 0, 'events', v_events,
        'more', v_events = p_limit);
END
$$;

-- Every job, newest first, with the facts that decide whether it may be deleted (`RetentionSummary`); and every number
-- of a job whose row is deleted, but not everything that belongs to it. One statement, so one snapshot: what a job that
-- is being opened writes is seen together with its row, or not at all. The numbers are found by skipping through the
-- indexes.
CREATE OR REPLACE FUNCTION public.list_ingestion_retention(p_after bigint, p_limit integer) RETURNS jsonb
LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = pg_catalog, pg_temp SET lock_timeout = '2s' SET jit = off AS $$
DECLARE
    v_now timestamptz := public.ingestion_now();
    v_below bigint := coalesce(p_after, 9223372036854775807);
BEGIN
    PERFORM public.ingestion_require(p_limit BETWEEN 1 AND 1000, 'limit must be 1…1000');
    RETURN (
        WITH RECURSIVE failure (id) AS (
            (SELECT f.job_id FROM public.ingestion_failure f WHERE f.job_id < v_below ORDER BY f.job_id DESC LIMIT 1)
            UNION ALL
            SELECT (SELECT f.job_id FROM public.ingestion_failure f WHERE f.job_id < n.id ORDER BY f.job_id DESC LIMIT 1)
            FROM failure n WHERE n.id IS NOT NULL
        ), event (id) AS (
            (SELECT e.job_id FROM public.ingestion_event e WHERE e.job_id < v_below ORDER BY e.job_id DESC LIMIT 1)
            UNION ALL
            SELECT (SELECT e.job_id FROM public.ingestion_event e WHERE e.job_id < n.id ORDER BY e.job_id DESC LIMIT 1)
            FROM event n WHERE n.id IS NOT NULL
        ), counter (id) AS (
            (SELECT c.job_id FROM public.ingestion_counter c WHERE c.job_id < v_below ORDER BY c.job_id DESC LIMIT 1)
            UNION ALL
            SELECT (SELECT c.job_id FROM public.ingestion_counter c WHERE c.job_id < n.id ORDER BY c.job_id DESC LIMIT 1)
            FROM counter n WHERE n.id IS NOT NULL
        ), known (id) AS (
            (SELECT id FROM failure LIMIT p_limit + 1) UNION (SELECT id FROM event LIMIT p_limit + 1)
            UNION (SELECT id FROM counter LIMIT p_limit + 1)
            UNION (SELECT j.id FROM public.ingestion_job j WHERE j.id < v_below ORDER BY j.id DESC LIMIT p_limit + 1)
        )
        SELECT jsonb_build_object(
            'rows', coalesce(jsonb_agg(s.summary ORDER BY s.id DESC) FILTER (WHERE s.n <= p_limit), '[]'),
            'next', CASE WHEN count(*) > p_limit THEN min(s.id) FILTER (WHERE s.n <= p_limit) END)
        FROM (
            SELECT k.id, row_number() OVER (ORDER BY k.id DESC) AS n, jsonb_build_object(
                'job_id', k.id,
                'job', CASE WHEN j.id IS NOT NULL THEN public.ingestion_job_summary(j) END,
                'ended_ms', public.ingestion_ms(j.finished_at, v_now),
                'deleting', j.deletion IS NOT NULL,
                'has_events', (SELECT e.id FROM public.ingestion_event e
                    WHERE e.job_id = k.id AND e.id > coalesce(j.history_cut_id, 0) ORDER BY e.id DESC LIMIT 1) IS NOT NULL
            ) AS summary
            FROM known k LEFT JOIN public.ingestion_job j ON j.id = k.id
            WHERE k.id IS NOT NULL ORDER BY k.id DESC LIMIT p_limit + 1
        ) s
    );
END
$$;

-- How many rows belong to a job, whether its own row exists or not; `rows` are all of them.
CREATE OR REPLACE FUNCTION public.get_ingestion_job_rows(p_job bigint) RETURNS jsonb
LANGUAGE sql VOLATILE SECURITY DEFINER SET search_path = pg_catalog, pg_temp SET lock_timeout = '2s' AS $$
    SELECT jsonb_build_object('batches', b.n, 'failures', f.n, 'events', e.n, 'rows', b.n + i.n + f.n + e.n + c.n + r.n + j.n)
    FROM (SELECT count(*) AS n FROM public.ingestion_batch WHERE job_id = p_job) b,
        (SELECT count(*) AS n FROM public.ingestion_batch_ids WHERE job_id = p_job) i,
        (SELECT count(*) AS n FROM public.ingestion_failure WHERE job_id = p_job) f,
        (SELECT count(*) AS n FROM public.ingestion_event WHERE job_id = p_job) e,
        (SELECT count(*) AS n FROM public.ingestion_counter WHERE job_id = p_job) c,
        (SELECT count(*) AS n FROM public.ingestion_runner WHERE job_id = p_job) r,
        (SELECT count(*) AS n FROM public.ingestion_job WHERE id = p_job) j
$$;
