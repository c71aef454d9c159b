-- Longer than 300 lines: the four calls of a batch's life, which share its rules for attempts and leases.
-- Job tracking, 4 of 12: what workers call. Every transition is decided on the locked row: lock by key, test status, attempt
-- and claim id, write; never by an earlier read.

-- Takes batches under a lease. Repeated with the same claim id it returns the same batches (I9).
CREATE OR REPLACE FUNCTION public.claim_next_batch(
    p_job bigint, p_worker text, p_claim_id uuid, p_limit integer, p_config_hash text, p_floor jsonb
) RETURNS jsonb
LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = pg_catalog, pg_temp SET lock_timeout = '2s' AS $$
DECLARE
    v_now timestamptz := public.ingestion_now();
    v_job public.ingestion_job;
    v_floor_at timestamptz := (p_floor ->> 'next_retry_at')::timestamptz;
    v_floor_number integer := (p_floor ->> 'batch_number')::integer;
    v_result text := 'ok';
    v_picked bigint[];
    v_claimed bigint[] := '{}';
    v_batches jsonb := '[]';
    v_floor jsonb := nullif(p_floor, 'null');
    v_wait bigint := 15000;
BEGIN
    PERFORM public.ingestion_require_read_committed();
    PERFORM public.ingestion_require(p_limit BETWEEN 1 AND 16, 'limit must be 1…16');
    PERFORM public.ingestion_require(p_claim_id IS NOT NULL AND p_worker IS NOT NULL, 'claim_id and worker are required');
    -- The original of a repeated request may still be running: wait for it, then find what it took.
    PERFORM pg_advisory_xact_lock(hashtextextended('ingestion_claim ' || p_claim_id, 0));
    PERFORM public.ingestion_lock_job(p_job, false); -- I8: nothing is claimed once pause or cancel has returned
    SELECT * INTO v_job FROM public.ingestion_job WHERE id = p_job;

    IF v_job.id IS NULL THEN
        v_result := 'not_found';
        v_floor := NULL;
    ELSIF v_job.config_hash IS DISTINCT FROM p_config_hash THEN
        v_result := 'config_mismatch'; -- I8
    ELSE
        SELECT coalesce(array_agg(b.id), '{}') INTO v_claimed FROM public.ingestion_batch b
        WHERE b.job_id = p_job AND b.status = 'processing' AND b.claim_id = p_claim_id
            AND b.claimed_at > v_now - make_interval(secs => v_job.lease_seconds);
        IF v_claimed = '{}' AND v_job.status = 'running' THEN
            v_claimed := public.ingestion_take(v_job, p_worker, p_claim_id, p_limit, v_floor_at, v_floor_number);
            -- The floor only saves time: a second look without it finds a batch that came back out of order.
            IF v_claimed = '{}' AND v_floor_at IS NOT NULL THEN
                v_claimed := public.ingestion_take(v_job, p_worker, p_claim_id, p_limit, NULL, NULL);
            END IF;
            IF v_claimed <> '{}' THEN
                PERFORM public.ingestion_count(p_job, in_flight => cardinality(v_claimed), claims => cardinality(v_claimed));
                SELECT jsonb_build_object('next_retry_at', public.ingestion_iso(b.next_retry_at),
                    'batch_number', b.batch_number) INTO v_floor
                FROM public.ingestion_batch b WHERE b.id = ANY (v_claimed)
                ORDER BY b.next_retry_at DESC, b.batch_number DESC LIMIT 1;
            END IF;
        END IF;
        SELECT coalesce(jsonb_agg(jsonb_build_object('batch_number', b.batch_number, 'attempt', b.attempt,
            'retry_count', b.retry_count, 'record_ids', to_jsonb(i.record_ids),
            'lease_ms', public.ingestion_ms(v_now, b.lease_expires_at),
            'deadline_ms', public.ingestion_ms(v_now, b.deadline_at)) ORDER BY b.batch_number), '[]') INTO v_batches
        FROM public.ingestion_batch b JOIN public.ingestion_batch_ids i USING (job_id, batch_number)
        WHERE b.id = ANY (v_claimed);
        IF v_claimed = '{}' AND v_job.status = 'running' THEN
            SELECT least(15000, greatest(1000, public.ingestion_wait_ms(v_now, b.next_retry_at))) INTO v_wait
            FROM public.ingestion_batch b
            WHERE b.job_id = p_job AND b.status = 'pending' AND b.next_retry_at > v_now
            ORDER BY b.next_retry_at, b.batch_number LIMIT 1;
            -- An open plan may get its next page at any moment.
            v_wait := CASE WHEN v_job.plan_sealed_at IS NULL THEN 1000 ELSE coalesce(v_wait, 15000) END;
        END IF;
    END IF;
    RETURN jsonb_build_object('result', v_result, 'job_status', v_job.status,
        'sealed', coalesce(v_job.plan_sealed_at IS NOT NULL AND v_job.id IS NOT NULL, false), 'batches', v_batches,
        'floor', v_floor, 'wait_ms', v_wait);
END
$$;

-- Picks and marks: the first claimable batches from the floor on, skipping rows that other claims are picking now. One
-- statement by id, never a join with the picked rows, which the planner turns into a scan of the table (I26).
CREATE OR REPLACE FUNCTION public.ingestion_take(
    p_job public.ingestion_job, p_worker text, p_claim_id uuid, p_limit integer, p_floor_at timestamptz,
    p_floor_number integer
) RETURNS bigint[]
LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    v_now timestamptz := public.ingestion_now();
    v_batch public.ingestion_batch;
    v_taken bigint[] := '{}';
BEGIN
    FOR v_batch IN
        UPDATE public.ingestion_batch SET
            status = 'processing', attempt = attempt + 1, claim_id = p_claim_id, worker_id = left(p_worker, 200),
            last_outcome = NULL, -- comes with the end, and only from a call that counts it
            claimed_at = v_now, deadline_at = v_now + make_interval(secs => p_job.batch_timeout_seconds),
            lease_expires_at = v_now
                + make_interval(secs => least(p_job.lease_seconds, p_job.batch_timeout_seconds)),
            updated_at = v_now
        WHERE id = ANY (ARRAY(
            SELECT b.id FROM public.ingestion_batch b
            WHERE b.job_id = p_job.id AND b.status = 'pending' AND b.next_retry_at <= v_now
                AND (b.next_retry_at, b.batch_number)
                    >= (coalesce(p_floor_at, '-infinity'::timestamptz), coalesce(p_floor_number, 0))
            ORDER BY b.next_retry_at, b.batch_number LIMIT p_limit FOR UPDATE SKIP LOCKED))
        RETURNING *
    LOOP
        v_taken := v_taken || v_batch.id;
        PERFORM public.ingestion_log(p_job, v_batch, 'claimed'); -- I1, I4
    END LOOP;
    RETURN v_taken;
END
$$;

-- The heartbeat: extends the leases of everything that a runner holds and reports absolute progress. Counts are merged
-- with greatest, so that lost, repeated and reordered calls cannot count twice (I10). A lease that has run out and was
-- not reaped becomes valid again.
CREATE OR REPLACE FUNCTION public.bump_batch_progress(p_job bigint, p_worker text, p_items jsonb) RETURNS jsonb
LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = pg_catalog, pg_temp SET lock_timeout = '2s' AS $$
DECLARE
    v_now timestamptz := public.ingestion_now();
    v_job public.ingestion_job;
    v_batch public.ingestion_batch;
    v_item record;
    v_result text;
    v_reason text;
    v_answers jsonb[] := '{}';
BEGIN
    PERFORM public.ingestion_require_read_committed();
    PERFORM public.ingestion_require(jsonb_typeof(p_items) = 'array' AND jsonb_array_length(p_items) <= 1000,
        'items must be a list of at most 1000');
    SELECT * INTO v_job FROM public.ingestion_job WHERE id = p_job;
    FOR v_item IN -- rows are always locked in ascending order; the answers keep the order of the items
        SELECT e.ordinality::integer AS place, (e.value ->> 'batch_number')::integer AS batch_number,
            (e.value ->> 'attempt')::integer AS attempt, (e.value ->> 'claim_id')::uuid AS claim_id,
            (e.value -> 'counts' ->> 'processed')::integer AS processed,
            (e.value -> 'counts' ->> 'skipped')::integer AS skipped,
            (e.value -> 'counts' ->> 'failed')::integer AS failed,
            (e.value -> 'counts' ->> 'missing')::integer AS missing
        FROM jsonb_array_elements(p_items) WITH ORDINALITY e ORDER BY 2, 1
    LOOP
        PERFORM public.ingestion_require(num_nulls(v_item.batch_number, v_item.attempt, v_item.claim_id) = 0,
            'an item has batch_number, attempt, claim_id and counts');
        PERFORM public.ingestion_require(
            num_nulls(v_item.processed, v_item.skipped, v_item.failed, v_item.missing) = 0
                AND least(v_item.processed, v_item.skipped, v_item.failed, v_item.missing) >= 0,
            'counts are four numbers, none of them negative');
        SELECT * INTO v_batch FROM public.ingestion_batch
        WHERE job_id = p_job AND batch_number = v_item.batch_number FOR UPDATE;
        v_reason := CASE
            WHEN v_batch.id IS NULL THEN 'not_found'
            WHEN (v_batch.attempt, v_batch.claim_id) IS DISTINCT FROM (v_item.attempt, v_item.claim_id) THEN 'new_owner' -- I3
            WHEN v_batch.status <> 'processing' AND v_batch.last_outcome = 'reaped' THEN 'reaped'
            WHEN v_batch.status <> 'processing' THEN 'ended'
            WHEN v_job.status = 'cancelled' THEN 'cancelled'
            WHEN v_batch.deadline_at <= v_now THEN 'deadline'
        END;
        v_result := CASE WHEN v_reason IS NULL THEN 'ok' WHEN v_reason IN ('cancelled', 'deadline') THEN 'cancel'
            ELSE 'lost' END;
        IF v_result = 'ok' THEN
            -- As at an attempt's end: tested on the locked row, and only for a caller with the current claim.
            PERFORM public.ingestion_require(
                v_item.processed::bigint + v_item.skipped + v_item.failed + v_item.missing <= v_batch.record_count,
                'counts are of no more records than the batch has');
            UPDATE public.ingestion_batch SET
                lease_expires_at = greatest(lease_expires_at,
                    least(v_now + make_interval(secs => v_job.lease_seconds), deadline_at)),
                processed_count = greatest(processed_count, v_item.processed),
                skipped_count = greatest(skipped_count, v_item.skipped),
                failed_count = greatest(failed_count, v_item.failed),
                missing_count = greatest(missing_count, v_item.missing),
                updated_at = v_now
            WHERE id = v_batch.id RETURNING * INTO v_batch;
        END IF;
        v_answers[v_item.place] := jsonb_build_object('batch_number', v_item.batch_number, 'attempt', v_item.attempt,
            'result', v_result, 'reason', v_reason,
            'lease_ms', CASE WHEN v_result = 'ok' THEN public.ingestion_ms(v_now, v_batch.lease_expires_at) ELSE 0 END);
    END LOOP;
    RETURN jsonb_build_object('job_status', v_job.status, 'items', to_jsonb(v_answers));
END
$$;

-- Ends an attempt. Repeating it is harmless: the first call is applied, a repeat is `duplicate`, and a call with another attempt
-- or claim than the row's current ones is `lost` (I1, I2, I3).
CREATE OR REPLACE FUNCTION public.finish_batch(
    p_job bigint, p_batch_number integer, p_attempt integer, p_claim_id uuid, p_outcome text, p_counts jsonb,
    p_failed_records jsonb, p_retry_after_ms bigint, p_error jsonb
) RETURNS jsonb
LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = pg_catalog, pg_temp SET lock_timeout = '2s' AS $$
DECLARE
    v_now timestamptz := public.ingestion_now();
    v_counts jsonb := nullif(p_counts, 'null');
    v_failed jsonb := nullif(p_failed_records, 'null');
    v_code text := left(p_error ->> 'code', 100);
    v_message text := left(p_error ->> 'message', 500);
    v_job public.ingestion_job;
    v_batch public.ingestion_batch;
    v_wait interval;
BEGIN
    PERFORM public.ingestion_require_read_committed();
    PERFORM public.ingestion_require(p_outcome IN ('completed', 'failed', 'release', 'defer'), 'unknown outcome');
    -- A call that gives a batch back may report what the attempt has paid, and nothing else; programs before version 4
    -- report nothing.
    PERFORM public.ingestion_require(
        CASE WHEN p_outcome IN ('completed', 'failed') THEN v_counts IS NOT NULL
            ELSE v_counts IS NULL OR NOT EXISTS (SELECT 1 FROM jsonb_each(v_counts) e WHERE e.key <> 'paid' AND e.value <> '0')
        END, 'completed and failed take counts; release and defer only what was paid');
    PERFORM public.ingestion_check_paid(v_counts -> 'paid');
    PERFORM public.ingestion_require(jsonb_typeof(coalesce(v_failed, '[]')) = 'array', 'failed records are a list');
    SELECT * INTO v_batch FROM public.ingestion_batch
    WHERE job_id = p_job AND batch_number = p_batch_number FOR UPDATE;
    IF v_batch.id IS NULL OR (v_batch.attempt, v_batch.claim_id) IS DISTINCT FROM (p_attempt, p_claim_id) THEN -- I3
        RETURN jsonb_build_object('result', 'lost', 'status', NULL, 'outcome', NULL);
    ELSIF v_batch.status <> 'processing' THEN
        IF v_batch.last_outcome = 'reaped' THEN
            RETURN jsonb_build_object('result', 'lost', 'status', NULL, 'outcome', NULL);
        END IF;
        RETURN jsonb_build_object('result', 'duplicate', 'status', v_batch.status, 'outcome', v_batch.last_outcome);
    END IF;
    SELECT * INTO v_job FROM public.ingestion_job WHERE id = p_job;

    IF p_outcome IN ('completed', 'failed') THEN
        PERFORM public.ingestion_check_counts(v_batch, v_counts, coalesce(v_failed, '[]'));
        IF (v_counts ->> 'failed')::integer > 0 AND coalesce(jsonb_array_length(v_failed), 0) = 0 THEN
            v_failed := public.ingestion_all_failed(v_batch, coalesce(v_code, 'failed'), v_message);
        END IF;
    END IF;
    CASE p_outcome
    WHEN 'completed' THEN
        v_batch := public.ingestion_close(v_job, v_batch, 'completed', 'completed', v_counts, v_failed, v_code, v_message);
    WHEN 'failed' THEN
        IF v_batch.retry_count < v_job.max_retries THEN
            v_wait := CASE WHEN p_retry_after_ms IS NULL
                THEN public.ingestion_backoff(v_job, v_batch.retry_count + 1)
                ELSE make_interval(secs => greatest(0, least(p_retry_after_ms, 604800000)) / 1000.0) END;
            v_batch := public.ingestion_give_back(v_job, v_batch, 'failed', v_wait, 1, v_code, v_message, v_counts);
        ELSE
            v_batch := public.ingestion_close(v_job, v_batch, 'failed', 'failed', v_counts, v_failed,
                coalesce(v_code, 'failed'), coalesce(v_message, ''));
        END IF;
    WHEN 'release' THEN
        v_batch := public.ingestion_give_back(v_job, v_batch, 'release', interval '0', 0, v_code, v_message, v_counts);
    WHEN 'defer' THEN
        v_wait := make_interval(secs => least(greatest(1, coalesce(p_retry_after_ms, 0) / 1000.0), v_job.backoff_cap_seconds));
        v_batch := public.ingestion_give_back(v_job, v_batch, 'defer', v_wait, 0, v_code, v_message, v_counts);
    END CASE;
    PERFORM public.ingestion_count_end(p_job, v_batch, p_outcome, v_failed, v_counts);
    RETURN jsonb_build_object('result', 'applied', 'status', v_batch.status, 'outcome', p_outcome);
END
$$;

-- What an attempt reports as paid: two numbers, or nothing. The limit keeps sums within a bigint.
CREATE OR REPLACE FUNCTION public.ingestion_check_paid(p_paid jsonb) RETURNS void
LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    IF p_paid IS NOT NULL THEN
        PERFORM public.ingestion_require(jsonb_typeof(p_paid) = 'object'
            AND (p_paid ->> 'tokens')::bigint BETWEEN 0 AND 1000000000000
            AND (p_paid ->> 'nanodollars')::bigint BETWEEN 0 AND 1000000000000,
            'paid are tokens and nanodollars from 0 to 1000000000000');
    END IF;
END
$$;

-- The counts add up to the records, and the failed records are exactly the failed ones, distinct and of this batch
-- (I13, I16).
CREATE OR REPLACE FUNCTION public.ingestion_check_counts(p_batch public.ingestion_batch, p_counts jsonb, p_failed jsonb)
RETURNS void
LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    v_failed integer := (p_counts ->> 'failed')::integer;
    v_ids bigint[];
BEGIN
    PERFORM public.ingestion_require(least((p_counts ->> 'processed')::integer, (p_counts ->> 'skipped')::integer,
        v_failed, (p_counts ->> 'missing')::integer) >= 0, 'counts are never negative');
    PERFORM public.ingestion_require((p_counts ->> 'processed')::integer + (p_counts ->> 'skipped')::integer + v_failed
        + (p_counts ->> 'missing')::integer = p_batch.record_count, 'counts must sum to the records of the batch');
    -- Programs before version 2 do not report it.
    PERFORM public.ingestion_require(coalesce((p_counts ->> 'removed')::integer, 0)
        BETWEEN 0 AND (p_counts ->> 'skipped')::integer + (p_counts ->> 'missing')::integer,
        'removed are some of the skipped and the missing records');
    IF jsonb_array_length(p_failed) = 0 THEN
        PERFORM public.ingestion_require(v_failed IN (0, p_batch.record_count), 'failed records must be listed');
        RETURN;
    END IF;
    PERFORM public.ingestion_require(num_nulls(e.value ->> 'record_id', e.value ->> 'stage', e.value ->> 'code',
        e.value ->> 'message', e.value ->> 'permanent') = 0,
        'a failed record has record_id, stage, code, message and permanent') FROM jsonb_array_elements(p_failed) e;
    SELECT array_agg(DISTINCT (e.value ->> 'record_id')::bigint) INTO v_ids FROM jsonb_array_elements(p_failed) e;
    PERFORM public.ingestion_require(jsonb_array_length(p_failed) = v_failed AND cardinality(v_ids) = v_failed,
        'the failed records must be as many as were counted, and distinct');
    PERFORM public.ingestion_require(v_ids <@ i.record_ids, 'a failed record is not of this batch')
    FROM public.ingestion_batch_ids i WHERE i.job_id = p_batch.job_id AND i.batch_number = p_batch.batch_number;
END
$$;

-- Ends an attempt and its batch: `completed` or `failed` is final except for a requeue (I6). The caller counts.
CREATE OR REPLACE FUNCTION public.ingestion_close(
    p_job public.ingestion_job, p_batch public.ingestion_batch, p_status text, p_outcome text, p_counts jsonb,
    p_failed jsonb, p_code text, p_message text
) RETURNS public.ingestion_batch
LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    v_now timestamptz := public.ingestion_now();
    v_batch public.ingestion_batch;
BEGIN
    UPDATE public.ingestion_batch SET
        status = p_status, last_outcome = p_outcome, lease_expires_at = NULL, deadline_at = NULL, finished_at = v_now,
        processed_count = (p_counts ->> 'processed')::integer, skipped_count = (p_counts ->> 'skipped')::integer,
        failed_count = (p_counts ->> 'failed')::integer, missing_count = (p_counts ->> 'missing')::integer,
        error_code = p_code, error_message = p_message, updated_at = v_now
    WHERE id = p_batch.id RETURNING * INTO v_batch;
    IF jsonb_array_length(p_failed) > 0 THEN
        PERFORM public.ingestion_bury(v_batch, p_failed);
    END IF;
    PERFORM public.ingestion_log(p_job, v_batch, p_outcome, jsonb_build_object('status', p_status, 'code', p_code,
        'processed', v_batch.processed_count::text, 'skipped', v_batch.skipped_count::text,
        'failed', v_batch.failed_count::text, 'missing', v_batch.missing_count::text,
        'service_failures', nullif(public.ingestion_service_failures(p_failed), 0)::text,
        'removed', nullif((p_counts ->> 'removed')::integer, 0)::text,
        'tokens', nullif((p_counts -> 'paid' ->> 'tokens')::bigint, 0)::text,
        'nanodollars', nullif((p_counts -> 'paid' ->> 'nanodollars')::bigint, 0)::text));
    RETURN v_batch;
END
$$;

-- Ends an attempt and makes its batch claimable again after a wait; p_retries is 1 if it uses a retry (I7). The
-- attempt's counts are dropped: record counts and dead letters change only when a batch ends. The caller counts.
CREATE OR REPLACE FUNCTION public.ingestion_give_back(
    p_job public.ingestion_job, p_batch public.ingestion_batch, p_outcome text, p_wait interval, p_retries integer,
    p_code text, p_message text, p_counts jsonb
) RETURNS public.ingestion_batch
LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    v_now timestamptz := public.ingestion_now();
    v_batch public.ingestion_batch;
BEGIN
    UPDATE public.ingestion_batch SET
        status = 'pending', last_outcome = p_outcome, lease_expires_at = NULL, deadline_at = NULL,
        next_retry_at = v_now + p_wait, retry_count = retry_count + p_retries,
        processed_count = 0, skipped_count = 0, failed_count = 0, missing_count = 0,
        error_code = p_code, error_message = p_message, updated_at = v_now
    WHERE id = p_batch.id RETURNING * INTO v_batch;
    PERFORM public.ingestion_log(p_job, v_batch, p_outcome, jsonb_build_object('status', 'pending', 'code', p_code,
        'retry_count', v_batch.retry_count::text, 'wait_ms', public.ingestion_ms(v_now, v_batch.next_retry_at)::text,
        'tokens', nullif((p_counts -> 'paid' ->> 'tokens')::bigint, 0)::text,
        'nanodollars', nullif((p_counts -> 'paid' ->> 'nanodollars')::bigint, 0)::text));
    RETURN v_batch;
END
$$;

-- The same for the reaper, which does not know what was paid.
CREATE OR REPLACE FUNCTION public.ingestion_reopen(
    p_job public.ingestion_job, p_batch public.ingestion_batch, p_outcome text, p_wait interval, p_retries integer,
    p_code text, p_message text
) RETURNS public.ingestion_batch
LANGUAGE sql VOLATILE SET search_path = pg_catalog, pg_temp AS $$
    SELECT public.ingestion_give_back(p_job, p_batch, p_outcome, p_wait, p_retries, p_code, p_message, NULL)
$$;

-- The reaper: ends attempts whose lease has run out, as failures that use a retry. A lease has a quarter of its length
-- as grace, so that an outage of the store itself costs no retry (I25). Unless full, it looks only at batches that were
-- claimed recently enough to hold such a lease: old row versions that cannot be vacuumed yet do not slow it.
CREATE OR REPLACE FUNCTION public.reset_stuck_batches(p_job bigint, p_limit integer, p_full boolean) RETURNS jsonb
LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = pg_catalog, pg_temp SET lock_timeout = '2s' AS $$
DECLARE
    v_now timestamptz := public.ingestion_now();
    v_job public.ingestion_job;
    v_batch public.ingestion_batch;
    v_grace interval;
    v_code text;
    v_message text;
    v_reset integer := 0;
    v_failed integer := 0;
    v_records bigint := 0;
BEGIN
    PERFORM public.ingestion_require_read_committed();
    PERFORM public.ingestion_require(p_limit BETWEEN 1 AND 1000, 'limit must be 1…1000');
    SELECT * INTO v_job FROM public.ingestion_job WHERE id = p_job;
    v_grace := make_interval(secs => v_job.lease_seconds / 4.0);
    FOR v_batch IN -- SKIP LOCKED tests the row again once it is locked
        SELECT * FROM public.ingestion_batch b
        WHERE b.job_id = p_job AND b.status = 'processing' AND b.lease_expires_at < v_now - v_grace
            AND b.claimed_at > CASE WHEN p_full THEN '-infinity'::timestamptz ELSE v_now - v_grace
                - make_interval(secs => v_job.batch_timeout_seconds + 60) END
        ORDER BY b.claimed_at LIMIT p_limit FOR UPDATE SKIP LOCKED
    LOOP
        IF v_batch.deadline_at <= v_now THEN
            v_code := 'deadline_exceeded';
            v_message := 'the worker did not finish before the deadline';
        ELSE
            v_code := 'lease_expired';
            v_message := 'the worker sent no heartbeat';
        END IF;
        IF v_batch.retry_count < v_job.max_retries THEN
            v_batch := public.ingestion_reopen(v_job, v_batch, 'reaped',
                public.ingestion_backoff(v_job, v_batch.retry_count + 1), 1, v_code, v_message);
            v_reset := v_reset + 1;
        ELSE
            v_batch := public.ingestion_close(v_job, v_batch, 'failed', 'reaped', jsonb_build_object('processed', 0,
                'skipped', 0, 'failed', v_batch.record_count, 'missing', 0),
                public.ingestion_all_failed(v_batch, v_code, v_message), v_code, v_message);
            v_failed := v_failed + 1;
            v_records := v_records + v_batch.record_count;
        END IF;
    END LOOP;
    IF v_reset + v_failed > 0 THEN
        PERFORM public.ingestion_count(p_job, in_flight => -(v_reset + v_failed), failed_batches => v_failed,
            failed => v_records, retries => v_reset, reaps => v_reset + v_failed);
        PERFORM public.ingestion_count_brakes(p_job, v_records, 0); -- neither code is about content
    END IF;
    RETURN jsonb_build_object('reset', v_reset, 'failed', v_failed, 'more', v_reset + v_failed = p_limit);
END
$$;
