-- Job tracking, 2 of 12: what the functions share. Only the functions themselves may call these (see 012).

-- Time and random numbers. Tests replace these three to replay a history; nothing else reads a clock or a random
-- number.
CREATE OR REPLACE FUNCTION public.ingestion_now() RETURNS timestamptz
LANGUAGE sql STABLE SET search_path = pg_catalog, pg_temp AS $$ SELECT pg_catalog.now() $$;

-- The present time, for code that waited for a row after its transaction had begun: events and quotas.
CREATE OR REPLACE FUNCTION public.ingestion_clock() RETURNS timestamptz
LANGUAGE sql VOLATILE SET search_path = pg_catalog, pg_temp AS $$ SELECT pg_catalog.clock_timestamp() $$;

CREATE OR REPLACE FUNCTION public.ingestion_random() RETURNS double precision
LANGUAGE sql VOLATILE SET search_path = pg_catalog, pg_temp AS $$ SELECT pg_catalog.random() $$;

-- ISO 8601 in UTC, exact to the microsecond.
CREATE OR REPLACE FUNCTION public.ingestion_iso(p_at timestamptz) RETURNS text
LANGUAGE sql STABLE SET search_path = pg_catalog, pg_temp AS $$
    SELECT to_char(p_at AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"')
$$;

-- Whole milliseconds from one time to another, never negative. Rounded down: a lease must not look longer than it is.
CREATE OR REPLACE FUNCTION public.ingestion_ms(p_from timestamptz, p_to timestamptz) RETURNS bigint
LANGUAGE sql IMMUTABLE STRICT SET search_path = pg_catalog, pg_temp AS $$
    SELECT greatest(0, floor(extract(epoch FROM p_to - p_from) * 1000))::bigint
$$;

-- The same for a wait. Rounded up: no caller must come too early.
CREATE OR REPLACE FUNCTION public.ingestion_wait_ms(p_from timestamptz, p_to timestamptz) RETURNS bigint
LANGUAGE sql IMMUTABLE STRICT SET search_path = pg_catalog, pg_temp AS $$
    SELECT greatest(0, ceil(extract(epoch FROM p_to - p_from) * 1000))::bigint
$$;

-- A mistake of the caller: only this is raised; everything else is an answer.
CREATE OR REPLACE FUNCTION public.ingestion_require(p_holds boolean, p_message text) RETURNS void
LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    IF p_holds IS NOT TRUE THEN
        RAISE EXCEPTION USING ERRCODE = '22023', MESSAGE = p_message;
    END IF;
END
$$;

-- Every deciding call takes its locks first and reads afterwards. In a transaction with one snapshot for all of its
-- statements it would read the state from before it had the lock: for example a batch of a job that is paused meanwhile
-- (I8).
CREATE OR REPLACE FUNCTION public.ingestion_require_read_committed() RETURNS void
LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    v_level text := current_setting('transaction_isolation');
BEGIN
    PERFORM public.ingestion_require(v_level IN ('read committed', 'read uncommitted'), format('this transaction is %s, but the '
        'job tracking decides on what it sees once it has a lock: call it in READ COMMITTED transactions (ALTER ROLE %I SET '
        'default_transaction_isolation = ''read committed'')', upper(v_level), session_user));
END
$$;

-- The ids of a JSON list as bigint, in order; NULL if it is no list. They go through numeric and text only: exact to
-- 2^63 − 1.
CREATE OR REPLACE FUNCTION public.ingestion_ids(p_list jsonb) RETURNS bigint[]
LANGUAGE sql IMMUTABLE STRICT SET search_path = pg_catalog, pg_temp AS $$
    SELECT coalesce(array_agg(e.value::bigint ORDER BY e.ordinality), '{}')
    FROM jsonb_array_elements_text(p_list) WITH ORDINALITY e
$$;

-- The job lock orders claims (shared) against control, finalize and requeue (exclusive). finish, heartbeat and reaper
-- do not take it, so that work can always be reported. Taken before any row lock.
CREATE OR REPLACE FUNCTION public.ingestion_lock_job(p_job bigint, p_exclusive boolean) RETURNS void
LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    IF p_exclusive THEN
        PERFORM pg_advisory_xact_lock(hashtextextended('ingestion_job ' || p_job, 0));
    ELSE
        PERFORM pg_advisory_xact_lock_shared(hashtextextended('ingestion_job ' || p_job, 0));
    END IF;
END
$$;

-- Equal jitter: half of the delay is fixed, half is random. 30, 60, 120 s … up to the cap, before jitter.
CREATE OR REPLACE FUNCTION public.ingestion_backoff(p_job public.ingestion_job, p_retry integer) RETURNS interval
LANGUAGE sql VOLATILE SET search_path = pg_catalog, pg_temp AS $$
    SELECT make_interval(secs => least(p_job.backoff_cap_seconds, p_job.backoff_base_seconds * 2.0 ^ least(p_retry - 1, 30))
        * (0.5 + 0.5 * public.ingestion_random()))
$$;

-- Adds to one shard of the counters. The last write of a call: its lock is held for the shortest time, and a call that
-- holds it waits for nothing else, so there is no deadlock.
CREATE OR REPLACE FUNCTION public.ingestion_count(
    p_job bigint, completed_batches bigint DEFAULT 0, failed_batches bigint DEFAULT 0, in_flight bigint DEFAULT 0,
    processed bigint DEFAULT 0, skipped bigint DEFAULT 0, failed bigint DEFAULT 0, missing bigint DEFAULT 0,
    claims bigint DEFAULT 0, retries bigint DEFAULT 0, reaps bigint DEFAULT 0, releases bigint DEFAULT 0,
    defers bigint DEFAULT 0
) RETURNS void
LANGUAGE sql VOLATILE SET search_path = pg_catalog, pg_temp AS $$
    UPDATE public.ingestion_counter c SET
        completed_batches = c.completed_batches + ingestion_count.completed_batches,
        failed_batches = c.failed_batches + ingestion_count.failed_batches,
        in_flight = c.in_flight + ingestion_count.in_flight,
        processed = c.processed + ingestion_count.processed,
        skipped = c.skipped + ingestion_count.skipped,
        failed = c.failed + ingestion_count.failed,
        missing = c.missing + ingestion_count.missing,
        claims = c.claims + ingestion_count.claims,
        retries = c.retries + ingestion_count.retries,
        reaps = c.reaps + ingestion_count.reaps,
        releases = c.releases + ingestion_count.releases,
        defers = c.defers + ingestion_count.defers
    WHERE c.job_id = p_job AND c.shard = pg_backend_pid() % 16
$$;

-- Adds to the counters of the brakes, in the same shard and just after ingestion_count: mostly there is nothing to add.
CREATE OR REPLACE FUNCTION public.ingestion_count_brakes(p_job bigint, p_service_failures bigint, p_removed bigint)
RETURNS void
LANGUAGE sql VOLATILE SET search_path = pg_catalog, pg_temp AS $$
    UPDATE public.ingestion_counter c SET
        service_failures = c.service_failures + p_service_failures, removed = c.removed + p_removed
    WHERE c.job_id = p_job AND c.shard = pg_backend_pid() % 16 AND p_service_failures + p_removed > 0
$$;

-- The codes of failures whose cause is the record's own content; FailedRecord.contentCodes in the program.
CREATE OR REPLACE FUNCTION public.ingestion_content_codes() RETURNS text[]
LANGUAGE sql IMMUTABLE SET search_path = pg_catalog, pg_temp AS $$
    SELECT ARRAY['no_member_code', 'too_long', 'invalid_utf8']
$$;

-- How many of these failed records were given up for another reason than their content.
CREATE OR REPLACE FUNCTION public.ingestion_service_failures(p_failed jsonb) RETURNS bigint
LANGUAGE sql IMMUTABLE SET search_path = pg_catalog, pg_temp AS $$
    SELECT count(*) FROM jsonb_array_elements(coalesce(p_failed, '[]')) e
    WHERE NOT (e.value ->> 'code' = ANY (public.ingestion_content_codes()))
$$;

-- What the end of an attempt adds to the counters, as one write: the batch is in flight no more.
CREATE OR REPLACE FUNCTION public.ingestion_count_end(
    p_job bigint, p_batch public.ingestion_batch, p_outcome text, p_failed jsonb, p_counts jsonb
) RETURNS void
LANGUAGE sql VOLATILE SET search_path = pg_catalog, pg_temp AS $$
    UPDATE public.ingestion_counter c SET
        in_flight = c.in_flight - 1,
        completed_batches = c.completed_batches + (p_batch.status = 'completed')::integer,
        failed_batches = c.failed_batches + (p_batch.status = 'failed')::integer,
        processed = c.processed + p_batch.processed_count, skipped = c.skipped + p_batch.skipped_count,
        failed = c.failed + p_batch.failed_count, missing = c.missing + p_batch.missing_count,
        retries = c.retries + (p_outcome = 'failed' AND p_batch.status = 'pending')::integer,
        releases = c.releases + (p_outcome = 'release')::integer, defers = c.defers + (p_outcome = 'defer')::integer,
        service_failures = c.service_failures + CASE WHEN p_batch.finished_at IS NULL THEN 0
            ELSE public.ingestion_service_failures(p_failed) END,
        removed = c.removed + CASE WHEN p_batch.finished_at IS NULL THEN 0
            ELSE coalesce((p_counts ->> 'removed')::bigint, 0) END,
        -- What an attempt has paid is paid, whatever became of it.
        billed_tokens = c.billed_tokens + coalesce((p_counts -> 'paid' ->> 'tokens')::bigint, 0),
        billed_nanodollars = c.billed_nanodollars + coalesce((p_counts -> 'paid' ->> 'nanodollars')::bigint, 0)
    WHERE c.job_id = p_job AND c.shard = pg_backend_pid() % 16
$$;

-- Copies the counters into the row of the job, for people. The caller holds that row, or can get it without waiting.
CREATE OR REPLACE FUNCTION public.ingestion_copy_counters(p_job bigint) RETURNS void
LANGUAGE sql VOLATILE SET search_path = pg_catalog, pg_temp AS $$
    UPDATE public.ingestion_job j SET counted_at = public.ingestion_now(),
        completed_batches = c.completed_batches, failed_batches = c.failed_batches, processed_records = c.processed,
        skipped_records = c.skipped, failed_records = c.failed, missing_records = c.missing
    FROM (
        SELECT sum(completed_batches) AS completed_batches, sum(failed_batches) AS failed_batches,
            sum(processed) AS processed, sum(skipped) AS skipped, sum(failed) AS failed, sum(missing) AS missing
        FROM public.ingestion_counter WHERE job_id = p_job
    ) c
    WHERE j.id = p_job AND c.processed IS NOT NULL
$$;

-- The present counters of the brakes.
CREATE OR REPLACE FUNCTION public.ingestion_brake_counters(p_job bigint, OUT service_failures bigint, OUT removed bigint)
LANGUAGE sql STABLE SET search_path = pg_catalog, pg_temp AS $$
    SELECT coalesce(sum(c.service_failures), 0)::bigint, coalesce(sum(c.removed), 0)::bigint
    FROM public.ingestion_counter c WHERE c.job_id = p_job
$$;

-- Appends to the events of a batch (or of the job, with a NULL batch), if the job records events.
CREATE OR REPLACE FUNCTION public.ingestion_log(
    p_job public.ingestion_job, p_batch public.ingestion_batch, p_kind text, p_detail jsonb DEFAULT '{}'
) RETURNS void
LANGUAGE sql VOLATILE SET search_path = pg_catalog, pg_temp AS $$
    INSERT INTO public.ingestion_event (at, job_id, batch_number, attempt, claim_id, worker_id, kind, detail)
    SELECT public.ingestion_clock(), p_job.id, p_batch.batch_number, p_batch.attempt, p_batch.claim_id,
        p_batch.worker_id, p_kind, jsonb_strip_nulls(p_detail)
    WHERE p_job.record_events
$$;

-- Opens the dead letters of a batch that ended (I16). A record that failed before keeps its row.
CREATE OR REPLACE FUNCTION public.ingestion_bury(p_batch public.ingestion_batch, p_failed jsonb) RETURNS void
LANGUAGE sql VOLATILE SET search_path = pg_catalog, pg_temp AS $$
    INSERT INTO public.ingestion_failure AS f
        (job_id, record_id, batch_number, attempt, stage, code, message, permanent, first_at, last_at)
    SELECT p_batch.job_id, (e.value ->> 'record_id')::bigint, p_batch.batch_number, p_batch.attempt, e.value ->> 'stage',
        e.value ->> 'code', left(e.value ->> 'message', 500), (e.value ->> 'permanent')::boolean,
        public.ingestion_now(), public.ingestion_now()
    FROM jsonb_array_elements(p_failed) e
    ORDER BY 2 -- rows are always locked in ascending order
    ON CONFLICT (job_id, record_id) DO UPDATE SET
        batch_number = excluded.batch_number, attempt = excluded.attempt, stage = excluded.stage, code = excluded.code,
        message = excluded.message, permanent = excluded.permanent, last_at = excluded.last_at, times = f.times + 1,
        resolved_at = NULL
$$;

-- Every record of a batch as failed, with the error of the whole batch.
CREATE OR REPLACE FUNCTION public.ingestion_all_failed(p_batch public.ingestion_batch, p_code text, p_message text)
RETURNS jsonb
LANGUAGE sql STABLE SET search_path = pg_catalog, pg_temp AS $$
    SELECT jsonb_agg(jsonb_build_object('record_id', r.id, 'stage', 'batch', 'code', p_code,
        'message', coalesce(p_message, ''), 'permanent', false) ORDER BY r.id)
    FROM public.ingestion_batch_ids i, unnest(i.record_ids) r (id)
    WHERE i.job_id = p_batch.job_id AND i.batch_number = p_batch.batch_number
$$;

-- A job as clients see it (`JobSummary`).
CREATE OR REPLACE FUNCTION public.ingestion_job_summary(p_job public.ingestion_job) RETURNS jsonb
LANGUAGE sql STABLE SET search_path = pg_catalog, pg_temp AS $$
    SELECT jsonb_build_object(
        'id', p_job.id, 'target_key', p_job.target_key, 'status', p_job.status,
        'config_hash', p_job.config_hash, 'config', p_job.config,
        'settings', jsonb_build_object(
            'max_retries', p_job.max_retries, 'lease_seconds', p_job.lease_seconds,
            'batch_timeout_seconds', p_job.batch_timeout_seconds,
            'backoff_base_seconds', p_job.backoff_base_seconds,
            'backoff_cap_seconds', p_job.backoff_cap_seconds, 'record_events', p_job.record_events),
        'plan_cursor', p_job.plan_cursor, 'plan_upper', p_job.plan_upper, 'sealed', p_job.plan_sealed_at IS NOT NULL,
        'next_batch_number', p_job.next_batch_number, 'total_batches', p_job.total_batches,
        'total_records', p_job.total_records, 'source_count', p_job.source_count,
        'current_round', p_job.current_round, 'controller_id', p_job.controller_id,
        'created_at', public.ingestion_iso(p_job.created_at),
        'start_time', p_job.metadata ->> 'start_time', 'end_time', p_job.metadata ->> 'end_time',
        'reason', p_job.reason, 'servers', p_job.servers, 'history_cut_at', public.ingestion_iso(p_job.history_cut_at))
$$;

-- The servers of a job and further ones as one list per kind: without repeats, in the order of their bytes. Bounded,
-- because every reader of the job gets them: a kind has at most 20, each of at most 500 characters.
CREATE OR REPLACE FUNCTION public.ingestion_servers(p_known jsonb, p_more jsonb) RETURNS jsonb
LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    v_all jsonb;
BEGIN
    PERFORM public.ingestion_require(jsonb_typeof(p_more) = 'object', 'servers must be an object');
    PERFORM public.ingestion_require(e.key IN ('source', 'points', 'embedder'), 'servers have no kind ' || e.key),
        public.ingestion_require(jsonb_typeof(e.value) = 'array', 'the servers of a kind are a list')
    FROM jsonb_each(p_more) e;
    PERFORM public.ingestion_require(jsonb_typeof(s.value) = 'string' AND length(s.value #>> '{}') BETWEEN 1 AND 500,
        'a server is a text of 1…500 characters')
    FROM jsonb_each(p_more) e, jsonb_array_elements(e.value) s;
    SELECT jsonb_object_agg(k.kind, coalesce((
        SELECT jsonb_agg(u.server ORDER BY u.server) FROM (
            SELECT a.value COLLATE pg_catalog."C" AS server FROM jsonb_array_elements_text(p_known -> k.kind) a
            UNION
            SELECT a.value COLLATE pg_catalog."C" FROM jsonb_array_elements_text(p_more -> k.kind) a
        ) u), '[]')) INTO v_all
    FROM unnest(ARRAY['source', 'points', 'embedder']) k (kind);
    PERFORM public.ingestion_require(jsonb_array_length(e.value) <= 20, 'a kind has at most 20 servers')
    FROM jsonb_each(v_all) e;
    RETURN v_all;
END
$$;
