-- Job tracking, 6 of 9: opening failed work again. The only way in which an ended batch changes (I6). total_records never
-- changes: records that move to a new batch leave the counts of their old one (`moved_count`).

-- A filter names what is wanted; what it does not name is wanted whatever it is, so a misspelt name must not pass.
CREATE OR REPLACE FUNCTION public.ingestion_check_filter(p_filter jsonb) RETURNS void
LANGUAGE plpgsql VOLATILE SET search_path = '' AS $$
BEGIN
    PERFORM public.ingestion_require(jsonb_typeof(p_filter) = 'object', 'the filter must be an object');
    PERFORM public.ingestion_require(k IN ('batch_numbers', 'record_ids', 'stage', 'code'), 'the filter knows no ' || k)
    FROM jsonb_object_keys(p_filter) k;
END
$$;

-- What both requeues begin with: the exclusive job lock and the job, or the answer when there is nothing more to do. A
-- repeat of the last request gets its stored answer (I10).
CREATE OR REPLACE FUNCTION public.ingestion_requeue_begin(p_job bigint, p_request_id uuid, OUT job public.ingestion_job,
    OUT answer jsonb)
LANGUAGE plpgsql VOLATILE SET search_path = '' AS $$
DECLARE
    v_result text;
BEGIN
    PERFORM public.ingestion_require(p_request_id IS NOT NULL, 'request_id is required');
    PERFORM public.ingestion_lock_job(p_job, true);
    SELECT * INTO job FROM public.ingestion_job j WHERE j.id = p_job FOR UPDATE;
    IF job.last_request_id = p_request_id THEN
        answer := job.last_request_result || '{"result": "duplicate"}';
        RETURN;
    END IF;
    v_result := CASE
        WHEN job.id IS NULL THEN 'not_found'
        WHEN job.status = 'cancelled' THEN 'refused'
        WHEN EXISTS (
            SELECT 1 FROM public.ingestion_job o WHERE o.target_key = job.target_key AND o.id <> job.id
                AND o.status IN ('pending', 'running', 'paused')
        ) THEN 'conflict' END;
    IF v_result IS NOT NULL THEN
        answer := jsonb_build_object('result', v_result, 'batches', 0, 'records', 0, 'more', false);
    END IF;
END
$$;

-- What both requeues end with: the job runs again, its totals count the batches made, and the answer is kept. A new job
-- of the target that was opened meanwhile makes it a conflict: the caller undoes what it did.
CREATE OR REPLACE FUNCTION public.ingestion_requeue_end(
    p_job public.ingestion_job, p_request_id uuid, p_made integer, p_batches integer, p_records integer, p_more boolean
) RETURNS jsonb
LANGUAGE plpgsql VOLATILE SET search_path = '' AS $$
DECLARE
    v_answer jsonb := jsonb_build_object('result', 'applied', 'batches', p_batches, 'records', p_records, 'more', p_more);
BEGIN
    UPDATE public.ingestion_job j SET
        status = CASE WHEN p_batches > 0 AND j.status IN ('completed', 'failed') THEN 'running' ELSE j.status END,
        finished_at = CASE WHEN p_batches > 0 THEN NULL ELSE j.finished_at END,
        metadata = CASE WHEN p_batches > 0 THEN j.metadata - 'end_time' ELSE j.metadata END,
        next_batch_number = j.next_batch_number + p_made, total_batches = j.total_batches + p_made,
        current_round = j.current_round + CASE WHEN p_made > 0 THEN 1 ELSE 0 END,
        last_request_id = p_request_id, last_request_result = v_answer, updated_at = public.ingestion_now()
    WHERE j.id = p_job.id;
    RETURN v_answer;
END
$$;

-- Batches of the next round, in the given order; returns how many were made.
CREATE OR REPLACE FUNCTION public.ingestion_add_round(p_job public.ingestion_job, p_batches jsonb) RETURNS integer
LANGUAGE plpgsql VOLATILE SET search_path = '' AS $$
DECLARE
    v_now timestamptz := public.ingestion_now();
    v_count integer := jsonb_array_length(p_batches);
BEGIN
    IF v_count > 0 THEN
        INSERT INTO public.ingestion_batch
            (job_id, batch_number, round, record_count, next_retry_at, created_at, updated_at)
        SELECT p_job.id, p_job.next_batch_number + b.ordinality - 1, p_job.current_round + 1,
            jsonb_array_length(b.value), v_now, v_now, v_now
        FROM jsonb_array_elements(p_batches) WITH ORDINALITY b ORDER BY b.ordinality;
        INSERT INTO public.ingestion_batch_ids (job_id, batch_number, record_ids)
        SELECT p_job.id, p_job.next_batch_number + b.ordinality - 1, public.ingestion_ids(b.value)
        FROM jsonb_array_elements(p_batches) WITH ORDINALITY b ORDER BY b.ordinality;
    END IF;
    RETURN v_count;
END
$$;

-- Whether an open dead letter meets the filter; the batch numbers are tested by the callers, on the batch.
CREATE OR REPLACE FUNCTION public.ingestion_wanted(
    p_failure public.ingestion_failure, p_filter jsonb, p_records bigint[]
) RETURNS boolean
LANGUAGE sql IMMUTABLE SET search_path = '' AS $$
    SELECT p_failure.resolved_at IS NULL
        AND (p_records IS NULL OR p_failure.record_id = ANY (p_records))
        AND (p_filter ->> 'stage' IS NULL OR p_failure.stage = p_filter ->> 'stage')
        AND (p_filter ->> 'code' IS NULL OR p_failure.code = p_filter ->> 'code')
$$;

-- Opens failed batches again: whole, or (isolate) each record as a batch of its own in the next round, which finds the
-- record that kills its workers. Isolating stops at about 10,000 records a call and says `more`.
CREATE OR REPLACE FUNCTION public.requeue_failed_batches(
    p_job bigint, p_request_id uuid, p_filter jsonb, p_isolate boolean, p_limit integer
) RETURNS jsonb
LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = '' SET lock_timeout = '2s' AS $$
DECLARE
    v_now timestamptz := public.ingestion_now();
    v_batches_wanted bigint[] := public.ingestion_ids(nullif(p_filter -> 'batch_numbers', 'null'));
    v_records_wanted bigint[] := public.ingestion_ids(nullif(p_filter -> 'record_ids', 'null'));
    v_begin record;
    v_batch public.ingestion_batch;
    v_numbers integer[] := '{}';
    v_single jsonb;
    v_made integer := 0;
    v_more boolean := false;
    v_records integer := 0;
    v_counts bigint[] := '{0,0,0,0}';
    v_answer jsonb;
BEGIN
    PERFORM public.ingestion_require(p_limit BETWEEN 1 AND 1000 AND p_isolate IS NOT NULL,
        'limit must be 1…1000, isolate true or false');
    PERFORM public.ingestion_check_filter(p_filter);
    SELECT * INTO v_begin FROM public.ingestion_requeue_begin(p_job, p_request_id);
    IF v_begin.answer IS NOT NULL THEN
        RETURN v_begin.answer;
    END IF;
    FOR v_batch IN
        SELECT * FROM public.ingestion_batch b
        WHERE b.job_id = p_job AND b.status = 'failed'
            AND (v_batches_wanted IS NULL OR b.batch_number = ANY (v_batches_wanted))
            AND (coalesce(p_filter ->> 'record_ids', p_filter ->> 'stage', p_filter ->> 'code') IS NULL
                OR EXISTS (SELECT 1 FROM public.ingestion_failure f WHERE f.job_id = p_job
                    AND f.batch_number = b.batch_number AND public.ingestion_wanted(f, p_filter, v_records_wanted)))
        ORDER BY b.batch_number LIMIT p_limit + 1 FOR UPDATE
    LOOP
        IF cardinality(v_numbers) = p_limit OR p_isolate AND v_records >= 10000 THEN
            v_more := true;
            EXIT;
        END IF;
        v_numbers := v_numbers || v_batch.batch_number;
        v_records := v_records + v_batch.record_count;
        v_counts := ARRAY[v_counts[1] + v_batch.processed_count, v_counts[2] + v_batch.skipped_count,
            v_counts[3] + v_batch.failed_count, v_counts[4] + v_batch.missing_count];
        PERFORM public.ingestion_log(v_begin.job, v_batch, 'requeued',
            jsonb_build_object('mode', CASE WHEN p_isolate THEN 'isolate' ELSE 'plain' END));
    END LOOP;

    IF p_isolate THEN
        SELECT coalesce(jsonb_agg(jsonb_build_array(r.id) ORDER BY i.batch_number, r.id), '[]') INTO v_single
        FROM public.ingestion_batch_ids i, unnest(i.record_ids) r (id)
        WHERE i.job_id = p_job AND i.batch_number = ANY (v_numbers);
        v_made := public.ingestion_add_round(v_begin.job, v_single);
    END IF;
    UPDATE public.ingestion_batch SET
        status = CASE WHEN p_isolate THEN 'completed' ELSE 'pending' END,
        moved_count = CASE WHEN p_isolate THEN record_count ELSE 0 END,
        finished_at = CASE WHEN p_isolate THEN v_now END,
        next_retry_at = v_now, retry_count = 0, -- the attempt is kept (I4)
        processed_count = 0, skipped_count = 0, failed_count = 0, missing_count = 0, updated_at = v_now
    WHERE job_id = p_job AND batch_number = ANY (v_numbers);
    UPDATE public.ingestion_failure SET resolved_at = v_now
    WHERE job_id = p_job AND batch_number = ANY (v_numbers) AND resolved_at IS NULL;
    v_answer := public.ingestion_requeue_end(v_begin.job, p_request_id, v_made,
        CASE WHEN p_isolate THEN v_made ELSE cardinality(v_numbers) END, v_records, v_more);
    PERFORM public.ingestion_count(p_job, failed_batches => -cardinality(v_numbers),
        completed_batches => CASE WHEN p_isolate THEN cardinality(v_numbers) ELSE 0 END,
        processed => -v_counts[1], skipped => -v_counts[2], failed => -v_counts[3], missing => -v_counts[4]);
    RETURN v_answer;
EXCEPTION WHEN unique_violation THEN -- another job of the target was opened just now; nothing was done
    RETURN '{"result": "conflict", "batches": 0, "records": 0, "more": false}';
END
$$;

-- Turns open dead letters of completed batches into batches of the next round; in their old batches the records go from
-- failed to moved.
CREATE OR REPLACE FUNCTION public.requeue_failed_records(
    p_job bigint, p_request_id uuid, p_filter jsonb, p_batch_size integer, p_limit integer
) RETURNS jsonb
LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = '' SET lock_timeout = '2s' AS $$
DECLARE
    v_now timestamptz := public.ingestion_now();
    v_batches_wanted bigint[] := public.ingestion_ids(nullif(p_filter -> 'batch_numbers', 'null'));
    v_records_wanted bigint[] := public.ingestion_ids(nullif(p_filter -> 'record_ids', 'null'));
    v_begin record;
    v_ids bigint[];
    v_more boolean;
    v_batches jsonb;
    v_made integer;
    v_answer jsonb;
BEGIN
    PERFORM public.ingestion_require(p_limit BETWEEN 1 AND 10000, 'limit must be 1…10000');
    PERFORM public.ingestion_require(p_batch_size BETWEEN 1 AND 1000, 'batch_size must be 1…1000');
    PERFORM public.ingestion_check_filter(p_filter);
    SELECT * INTO v_begin FROM public.ingestion_requeue_begin(p_job, p_request_id);
    IF v_begin.answer IS NOT NULL THEN
        RETURN v_begin.answer;
    END IF;
    -- Nobody else changes the dead letters of completed batches while we hold the job lock.
    SELECT coalesce(array_agg(s.record_id ORDER BY s.record_id), '{}') INTO v_ids FROM (
        SELECT f.record_id FROM public.ingestion_failure f
        JOIN public.ingestion_batch b USING (job_id, batch_number)
        WHERE f.job_id = p_job AND b.status = 'completed'
            AND (v_batches_wanted IS NULL OR b.batch_number = ANY (v_batches_wanted))
            AND public.ingestion_wanted(f, p_filter, v_records_wanted)
        ORDER BY f.record_id LIMIT p_limit + 1) s;
    v_more := cardinality(v_ids) > p_limit;
    v_ids := v_ids[1:p_limit];

    SELECT coalesce(jsonb_agg(s.ids ORDER BY s.n), '[]') INTO v_batches FROM (
        SELECT (u.n - 1) / p_batch_size AS n, jsonb_agg(u.id ORDER BY u.id) AS ids
        FROM unnest(v_ids) WITH ORDINALITY u (id, n) GROUP BY 1) s;
    v_made := public.ingestion_add_round(v_begin.job, v_batches);
    PERFORM 1 FROM public.ingestion_batch b
    WHERE b.job_id = p_job AND b.batch_number IN (
        SELECT f.batch_number FROM public.ingestion_failure f WHERE f.job_id = p_job AND f.record_id = ANY (v_ids))
    ORDER BY b.batch_number FOR UPDATE; -- ascending, as everywhere
    UPDATE public.ingestion_batch b SET failed_count = b.failed_count - m.moved, moved_count = b.moved_count + m.moved,
        updated_at = v_now
    FROM (SELECT f.batch_number, count(*)::integer AS moved FROM public.ingestion_failure f
        WHERE f.job_id = p_job AND f.record_id = ANY (v_ids) GROUP BY 1) m
    WHERE b.job_id = p_job AND b.batch_number = m.batch_number;
    UPDATE public.ingestion_failure SET resolved_at = v_now WHERE job_id = p_job AND record_id = ANY (v_ids);
    PERFORM public.ingestion_log(v_begin.job, b, 'requeued', '{"mode": "records"}')
    FROM public.ingestion_batch b
    WHERE b.job_id = p_job AND b.batch_number IN (
        SELECT f.batch_number FROM public.ingestion_failure f WHERE f.job_id = p_job AND f.record_id = ANY (v_ids));
    v_answer := public.ingestion_requeue_end(v_begin.job, p_request_id, v_made, v_made, cardinality(v_ids), v_more);
    PERFORM public.ingestion_count(p_job, failed => -cardinality(v_ids));
    RETURN v_answer;
EXCEPTION WHEN unique_violation THEN -- another job of the target was opened just now; nothing was done
    RETURN '{"result": "conflict", "batches": 0, "records": 0, "more": false}';
END
$$;
