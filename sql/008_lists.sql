-- Job tracking, 8 of 12: what people and `verify` read, page by page. Each query reads one row more than its page
-- shows: that row shows whether there is a next page. Keyset paging, so that rows that are added meanwhile neither
-- repeat nor hide others.

-- Jobs, newest first (`JobSummary`).
CREATE OR REPLACE FUNCTION public.list_ingestion_jobs(p_job bigint, p_filter jsonb, p_after bigint, p_limit integer)
RETURNS jsonb
LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = pg_catalog, pg_temp SET lock_timeout = '2s' AS $$
BEGIN
    PERFORM public.ingestion_require(p_limit BETWEEN 1 AND 1000, 'limit must be 1…1000');
    RETURN (
        SELECT jsonb_build_object(
            'rows', coalesce(jsonb_agg(s.summary ORDER BY s.id DESC) FILTER (WHERE s.n <= p_limit), '[]'),
            'next', CASE WHEN count(*) > p_limit THEN min(s.id) FILTER (WHERE s.n <= p_limit) END)
        FROM (
            SELECT j.id, row_number() OVER (ORDER BY j.id DESC) AS n, public.ingestion_job_summary(j) AS summary
            FROM public.ingestion_job j
            WHERE (p_job IS NULL OR j.id = p_job) AND (p_after IS NULL OR j.id < p_after)
                AND (p_filter ->> 'target_key' IS NULL OR j.target_key = p_filter ->> 'target_key')
                AND (p_filter ->> 'collection' IS NULL OR j.config ->> 'collection' = p_filter ->> 'collection')
                AND (p_filter ->> 'open' IS NULL
                    OR (j.status IN ('pending', 'running', 'paused')) = (p_filter ->> 'open')::boolean)
            ORDER BY j.id DESC LIMIT p_limit + 1
        ) s
    );
END
$$;

-- Batches with their records, by number (`BatchSummary`).
CREATE OR REPLACE FUNCTION public.list_ingestion_batches(p_job bigint, p_filter jsonb, p_after integer, p_limit integer)
RETURNS jsonb
LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = pg_catalog, pg_temp SET lock_timeout = '2s' AS $$
DECLARE
    v_numbers bigint[] := public.ingestion_ids(nullif(p_filter -> 'batch_numbers', 'null'));
BEGIN
    PERFORM public.ingestion_require(p_limit BETWEEN 1 AND 1000, 'limit must be 1…1000');
    RETURN (
        SELECT jsonb_build_object(
            'rows', coalesce(jsonb_agg(jsonb_build_object(
                'batch_number', s.batch_number, 'status', s.status, 'round', s.round,
                'record_ids', to_jsonb(i.record_ids), 'attempt', s.attempt, 'retry_count', s.retry_count,
                'counts', jsonb_build_object('processed', s.processed_count, 'skipped', s.skipped_count,
                    'failed', s.failed_count, 'missing', s.missing_count),
                'moved', s.moved_count, 'worker_id', s.worker_id,
                'next_retry_ms', CASE WHEN s.status = 'pending'
                    THEN public.ingestion_wait_ms(public.ingestion_now(), s.next_retry_at) ELSE 0 END,
                'last_outcome', s.last_outcome, 'error_code', s.error_code, 'error_message', s.error_message)
                ORDER BY s.batch_number) FILTER (WHERE s.n <= p_limit), '[]'),
            'next', CASE WHEN count(*) > p_limit THEN max(s.batch_number) FILTER (WHERE s.n <= p_limit) END)
        FROM (
            SELECT b.*, row_number() OVER (ORDER BY b.batch_number) AS n
            FROM public.ingestion_batch b
            WHERE b.job_id = p_job AND (p_after IS NULL OR b.batch_number > p_after)
                AND (p_filter ->> 'status' IS NULL OR b.status = p_filter ->> 'status')
                AND (v_numbers IS NULL OR b.batch_number = ANY (v_numbers))
                AND (p_filter ->> 'requeued' IS NULL OR (b.round > 0) = (p_filter ->> 'requeued')::boolean)
            ORDER BY b.batch_number LIMIT p_limit + 1
        ) s JOIN public.ingestion_batch_ids i USING (job_id, batch_number)
    );
END
$$;

-- Dead letters, by record id (`FailureSummary`).
CREATE OR REPLACE FUNCTION public.list_ingestion_failures(p_job bigint, p_filter jsonb, p_after bigint, p_limit integer)
RETURNS jsonb
LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = pg_catalog, pg_temp SET lock_timeout = '2s' AS $$
DECLARE
    v_numbers bigint[] := public.ingestion_ids(nullif(p_filter -> 'batch_numbers', 'null'));
BEGIN
    PERFORM public.ingestion_require(p_limit BETWEEN 1 AND 1000, 'limit must be 1…1000');
    RETURN (
        SELECT jsonb_build_object(
            'rows', coalesce(jsonb_agg(jsonb_build_object(
                'record_id', s.record_id, 'batch_number', s.batch_number, 'attempt', s.attempt, 'stage', s.stage,
                'code', s.code, 'message', s.message, 'permanent', s.permanent,
                'first_at', public.ingestion_iso(s.first_at), 'last_at', public.ingestion_iso(s.last_at),
                'times', s.times, 'resolved_at', public.ingestion_iso(s.resolved_at))
                ORDER BY s.record_id) FILTER (WHERE s.n <= p_limit), '[]'),
            'next', CASE WHEN count(*) > p_limit THEN max(s.record_id) FILTER (WHERE s.n <= p_limit) END)
        FROM (
            SELECT f.*, row_number() OVER (ORDER BY f.record_id) AS n
            FROM public.ingestion_failure f
            WHERE f.job_id = p_job AND (p_after IS NULL OR f.record_id > p_after)
                AND (p_filter ->> 'open' IS NULL OR (f.resolved_at IS NULL) = (p_filter ->> 'open')::boolean)
                AND (p_filter ->> 'stage' IS NULL OR f.stage = p_filter ->> 'stage')
                AND (p_filter ->> 'code' IS NULL OR f.code = p_filter ->> 'code')
                AND (v_numbers IS NULL OR f.batch_number = ANY (v_numbers))
            ORDER BY f.record_id LIMIT p_limit + 1
        ) s
    );
END
$$;

-- Events, oldest first, or newest first if the filter says `newest`: then `after` is the event below which the list
-- continues (`EventSummary`).
CREATE OR REPLACE FUNCTION public.list_ingestion_events(p_job bigint, p_filter jsonb, p_after bigint, p_limit integer)
RETURNS jsonb
LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = pg_catalog, pg_temp SET lock_timeout = '2s' AS $$
DECLARE
    v_numbers bigint[] := public.ingestion_ids(nullif(p_filter -> 'batch_numbers', 'null'));
BEGIN
    PERFORM public.ingestion_require(p_limit BETWEEN 1 AND 1000, 'limit must be 1…1000');
    IF (p_filter ->> 'newest')::boolean THEN
        -- The index backwards: it reads only the rows that are shown, plus those that the filter excludes.
        RETURN (
            SELECT jsonb_build_object(
                'rows', coalesce(jsonb_agg(jsonb_build_object(
                    'id', s.id, 'at', public.ingestion_iso(s.at), 'batch_number', s.batch_number, 'attempt', s.attempt,
                    'claim_id', s.claim_id, 'worker_id', s.worker_id, 'kind', s.kind, 'detail', s.detail)
                    ORDER BY s.id DESC) FILTER (WHERE s.n <= p_limit), '[]'),
                'next', CASE WHEN count(*) > p_limit THEN min(s.id) FILTER (WHERE s.n <= p_limit) END)
            FROM (
                SELECT e.*, row_number() OVER (ORDER BY e.id DESC) AS n
                FROM public.ingestion_event e
                WHERE e.job_id = p_job AND (p_after IS NULL OR e.id < p_after)
                    AND (p_filter ->> 'kind' IS NULL OR e.kind = p_filter ->> 'kind')
                    AND (v_numbers IS NULL OR e.batch_number = ANY (v_numbers))
                ORDER BY e.id DESC LIMIT p_limit + 1
            ) s
        );
    END IF;
    RETURN (
        SELECT jsonb_build_object(
            'rows', coalesce(jsonb_agg(jsonb_build_object(
                'id', s.id, 'at', public.ingestion_iso(s.at), 'batch_number', s.batch_number, 'attempt', s.attempt,
                'claim_id', s.claim_id, 'worker_id', s.worker_id, 'kind', s.kind, 'detail', s.detail)
                ORDER BY s.id) FILTER (WHERE s.n <= p_limit), '[]'),
            'next', CASE WHEN count(*) > p_limit THEN max(s.id) FILTER (WHERE s.n <= p_limit) END)
        FROM (
            SELECT e.*, row_number() OVER (ORDER BY e.id) AS n
            FROM public.ingestion_event e
            WHERE e.job_id = p_job AND (p_after IS NULL OR e.id > p_after)
                AND (p_filter ->> 'kind' IS NULL OR e.kind = p_filter ->> 'kind')
                AND (v_numbers IS NULL OR e.batch_number = ANY (v_numbers))
            ORDER BY e.id LIMIT p_limit + 1
        ) s
    );
END
$$;
