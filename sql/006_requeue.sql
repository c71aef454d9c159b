-- Longer than 300 lines: requeueing batches and records, which share their pages and their lock.
-- Job tracking, 6 of 12: opening failed work again. The only way in which an ended batch changes (I6). total_records never
-- changes: records that move to a new batch leave the counts of their old one (`moved_count`).
--
-- A requeue holds the job lock as briefly as it can, because claims wait for it: the wanted rows are searched before,
-- and tested again by key under the lock. Pages go by key (`after`), so that no page searches what earlier pages have
-- settled.

-- What earlier versions had.
DO $$
DECLARE
    v_name text;
BEGIN
    FOREACH v_name IN ARRAY ARRAY[
        'public.ingestion_wanted(public.ingestion_failure, jsonb, bigint[])',
        'public.ingestion_requeue_end(public.ingestion_job, uuid, integer, integer, integer, boolean)'] LOOP
        IF to_regprocedure(v_name) IS NOT NULL THEN
            EXECUTE 'DROP FUNCTION ' || v_name;
        END IF;
    END LOOP;
END
$$;

-- A filter limits what is wanted; a condition that it does not name does not limit, so a misspelt name must be refused.
CREATE OR REPLACE FUNCTION public.ingestion_check_filter(p_filter jsonb) RETURNS void
LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    PERFORM public.ingestion_require(jsonb_typeof(p_filter) = 'object', 'the filter must be an object');
    PERFORM public.ingestion_require(k IN ('batch_numbers', 'record_ids', 'stage', 'code', 'after'), 'the filter knows no ' || k)
    FROM jsonb_object_keys(p_filter) k;
END
$$;

-- The beginning of both requeues: takes the exclusive job lock and the job, or returns the answer when nothing more is
-- to be done. A repeat of the last request gets its stored answer (I10).
CREATE OR REPLACE FUNCTION public.ingestion_requeue_begin(p_job bigint, p_request_id uuid, OUT job public.ingestion_job,
    OUT answer jsonb)
LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, pg_temp AS $$
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
        answer := jsonb_build_object('result', v_result, 'batches', 0, 'records', 0, 'more', false, 'next', NULL);
    END IF;
END
$$;

-- The end of both requeues: the job runs again, its totals count the batches made, and the answer is stored. If a new
-- job of the target was opened meanwhile, it is a conflict: the caller undoes what it did. p_next is where the next
-- page begins, NULL if there is none.
CREATE OR REPLACE FUNCTION public.ingestion_requeue_end(
    p_job public.ingestion_job, p_request_id uuid, p_made integer, p_batches integer, p_records integer, p_next bigint
) RETURNS jsonb
LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    v_answer jsonb := jsonb_build_object('result', 'applied', 'batches', p_batches, 'records', p_records,
        'more', p_next IS NOT NULL, 'next', p_next);
    v_counters record;
BEGIN
    SELECT * INTO v_counters FROM public.ingestion_brake_counters(p_job.id);
    UPDATE public.ingestion_job j SET
        status = CASE WHEN p_batches > 0 AND j.status IN ('completed', 'failed') THEN 'running' ELSE j.status END,
        finished_at = CASE WHEN p_batches > 0 THEN NULL ELSE j.finished_at END,
        metadata = CASE WHEN p_batches > 0 THEN j.metadata - 'end_time' ELSE j.metadata END,
        -- Work goes on because a person wanted it: the brakes count from here.
        service_failures_baseline = CASE WHEN p_batches > 0 THEN v_counters.service_failures
            ELSE j.service_failures_baseline END,
        removed_baseline = CASE WHEN p_batches > 0 THEN v_counters.removed ELSE j.removed_baseline END,
        next_batch_number = j.next_batch_number + p_made, total_batches = j.total_batches + p_made,
        current_round = j.current_round + CASE WHEN p_made > 0 THEN 1 ELSE 0 END,
        last_request_id = p_request_id, last_request_result = v_answer, updated_at = public.ingestion_now()
    WHERE j.id = p_job.id;
    RETURN v_answer;
END
$$;

-- Batches of the next round, in the given order; returns how many were made.
CREATE OR REPLACE FUNCTION public.ingestion_add_round(p_job public.ingestion_job, p_batches jsonb) RETURNS integer
LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, pg_temp AS $$
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

-- The failed batches that match the filter, ascending, at most p_limit of them; with p_only, only from among these. The
-- conditions are in the statement itself, and the callers let it be planned for each call (force_custom_plan):
-- conditions that the filter does not name cost nothing, and named ones can use an index. Each batch's letters are
-- looked up by its key, because the search stops at the limit. The planner does not know how soon that is: it would
-- compile the query for half a second (jit), or find and sort all open letters for the first few of them, so it is kept
-- to the order of the index.
CREATE OR REPLACE FUNCTION public.ingestion_failed_batches(p_job bigint, p_filter jsonb, p_only integer[], p_limit integer)
RETURNS integer[]
LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, pg_temp
    SET enable_sort = off SET enable_bitmapscan = off AS $$
DECLARE
    v_after bigint := (p_filter ->> 'after')::bigint;
    v_batches bigint[] := public.ingestion_ids(nullif(p_filter -> 'batch_numbers', 'null'));
    v_records bigint[] := public.ingestion_ids(nullif(p_filter -> 'record_ids', 'null'));
    v_stage text := p_filter ->> 'stage';
    v_code text := p_filter ->> 'code';
    v_found integer[];
BEGIN
    SELECT coalesce(array_agg(s.batch_number ORDER BY s.batch_number), '{}') INTO v_found FROM (
        SELECT b.batch_number FROM public.ingestion_batch b
        WHERE b.job_id = p_job AND b.status = 'failed'
            AND (v_after IS NULL OR b.batch_number > v_after)
            AND (p_only IS NULL OR b.batch_number = ANY (p_only))
            AND (v_batches IS NULL OR b.batch_number = ANY (v_batches))
            AND ((v_records IS NULL AND v_stage IS NULL AND v_code IS NULL) OR (
                SELECT f.record_id FROM public.ingestion_failure f
                WHERE f.job_id = p_job AND f.batch_number = b.batch_number AND f.resolved_at IS NULL
                    AND (v_records IS NULL OR f.record_id = ANY (v_records))
                    AND (v_stage IS NULL OR f.stage = v_stage) AND (v_code IS NULL OR f.code = v_code)
                LIMIT 1) IS NOT NULL)
        ORDER BY b.batch_number LIMIT p_limit) s;
    RETURN v_found;
END
$$;

-- The same for open dead letters of completed batches, by record.
CREATE OR REPLACE FUNCTION public.ingestion_failed_records(p_job bigint, p_filter jsonb, p_only bigint[], p_limit integer)
RETURNS bigint[]
LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, pg_temp
    SET enable_sort = off SET enable_bitmapscan = off AS $$
DECLARE
    v_after bigint := (p_filter ->> 'after')::bigint;
    v_batches bigint[] := public.ingestion_ids(nullif(p_filter -> 'batch_numbers', 'null'));
    v_records bigint[] := public.ingestion_ids(nullif(p_filter -> 'record_ids', 'null'));
    v_stage text := p_filter ->> 'stage';
    v_code text := p_filter ->> 'code';
    v_found bigint[];
BEGIN
    SELECT coalesce(array_agg(s.record_id ORDER BY s.record_id), '{}') INTO v_found FROM (
        SELECT f.record_id FROM public.ingestion_failure f
        WHERE f.job_id = p_job AND f.resolved_at IS NULL
            AND (v_after IS NULL OR f.record_id > v_after)
            AND (p_only IS NULL OR f.record_id = ANY (p_only))
            AND (v_records IS NULL OR f.record_id = ANY (v_records))
            AND (v_batches IS NULL OR f.batch_number = ANY (v_batches))
            AND (v_stage IS NULL OR f.stage = v_stage) AND (v_code IS NULL OR f.code = v_code)
            AND (SELECT b.status FROM public.ingestion_batch b
                WHERE b.job_id = p_job AND b.batch_number = f.batch_number) = 'completed'
        ORDER BY f.record_id LIMIT p_limit) s;
    RETURN v_found;
END
$$;

-- Opens failed batches again: whole, or (isolate) with each record as a batch of its own in the next round, which finds
-- the record that kills its workers. Isolating stops at about 10,000 records per call and says `more`.
CREATE OR REPLACE FUNCTION public.requeue_failed_batches(
    p_job bigint, p_request_id uuid, p_filter jsonb, p_isolate boolean, p_limit integer
) RETURNS jsonb
LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = pg_catalog, pg_temp SET lock_timeout = '2s'
    SET plan_cache_mode = force_custom_plan SET jit = off AS $$
DECLARE
    v_now timestamptz := public.ingestion_now();
    v_wanted integer[];
    v_begin record;
    v_batch public.ingestion_batch;
    v_numbers integer[] := '{}';
    v_single jsonb;
    v_made integer := 0;
    v_more boolean := false;
    v_records integer := 0;
    v_counts bigint[] := '{0,0,0,0}';
    v_answer jsonb;
    v_schema text;
    v_table text;
    v_constraint text;
BEGIN
    PERFORM public.ingestion_require_read_committed();
    PERFORM public.ingestion_require(p_limit BETWEEN 1 AND 1000 AND p_isolate IS NOT NULL,
        'limit must be 1…1000, isolate true or false');
    PERFORM public.ingestion_check_filter(p_filter);
    v_wanted := public.ingestion_failed_batches(p_job, p_filter, NULL, p_limit + 1);
    SELECT * INTO v_begin FROM public.ingestion_requeue_begin(p_job, p_request_id);
    IF v_begin.answer IS NOT NULL THEN
        RETURN v_begin.answer;
    END IF;
    -- Another requeue may have been faster. While we hold the job lock, no other call opens failed batches.
    IF public.ingestion_failed_batches(p_job, p_filter, v_wanted, p_limit + 1) IS DISTINCT FROM v_wanted THEN
        v_wanted := public.ingestion_failed_batches(p_job, p_filter, NULL, p_limit + 1);
    END IF;
    FOR v_batch IN
        SELECT * FROM public.ingestion_batch b
        WHERE b.job_id = p_job AND b.batch_number = ANY (v_wanted) ORDER BY b.batch_number FOR UPDATE
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
        CASE WHEN p_isolate THEN v_made ELSE cardinality(v_numbers) END, v_records,
        CASE WHEN v_more THEN v_numbers[cardinality(v_numbers)] END);
    PERFORM public.ingestion_count(p_job, failed_batches => -cardinality(v_numbers),
        completed_batches => CASE WHEN p_isolate THEN cardinality(v_numbers) ELSE 0 END,
        processed => -v_counts[1], skipped => -v_counts[2], failed => -v_counts[3], missing => -v_counts[4]);
    PERFORM public.ingestion_copy_counters(p_job);
    RETURN v_answer;
EXCEPTION WHEN unique_violation THEN -- nothing was done
    GET STACKED DIAGNOSTICS v_schema = SCHEMA_NAME, v_table = TABLE_NAME, v_constraint = CONSTRAINT_NAME;
    IF (v_schema, v_table, v_constraint) IS DISTINCT FROM ('public', 'ingestion_job', 'ingestion_job_open') THEN
        RAISE; -- something else is wrong, and only its own message tells what
    END IF;
    RETURN '{"result": "conflict", "batches": 0, "records": 0, "more": false, "next": null}'; -- another job of the target was opened just now
END
$$;

-- Turns open dead letters of completed batches into batches of the next round; in their old batches the records go from
-- failed to moved.
CREATE OR REPLACE FUNCTION public.requeue_failed_records(
    p_job bigint, p_request_id uuid, p_filter jsonb, p_batch_size integer, p_limit integer
) RETURNS jsonb
LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = pg_catalog, pg_temp SET lock_timeout = '2s'
    SET plan_cache_mode = force_custom_plan SET jit = off AS $$
DECLARE
    v_now timestamptz := public.ingestion_now();
    v_begin record;
    v_ids bigint[];
    v_olds integer[];
    v_moved integer[];
    v_more boolean;
    v_batches jsonb;
    v_made integer;
    v_answer jsonb;
    v_schema text;
    v_table text;
    v_constraint text;
BEGIN
    PERFORM public.ingestion_require_read_committed();
    PERFORM public.ingestion_require(p_limit BETWEEN 1 AND 10000, 'limit must be 1…10000');
    PERFORM public.ingestion_require(p_batch_size BETWEEN 1 AND 1000, 'batch_size must be 1…1000');
    PERFORM public.ingestion_check_filter(p_filter);
    v_ids := public.ingestion_failed_records(p_job, p_filter, NULL, p_limit + 1);
    SELECT * INTO v_begin FROM public.ingestion_requeue_begin(p_job, p_request_id);
    IF v_begin.answer IS NOT NULL THEN
        RETURN v_begin.answer;
    END IF;
    -- Another requeue may have been faster. While we hold the job lock, no other call changes the dead letters of
    -- completed batches.
    IF public.ingestion_failed_records(p_job, p_filter, v_ids, p_limit + 1) IS DISTINCT FROM v_ids THEN
        v_ids := public.ingestion_failed_records(p_job, p_filter, NULL, p_limit + 1);
    END IF;
    v_more := cardinality(v_ids) > p_limit;
    v_ids := v_ids[1:p_limit];

    SELECT coalesce(jsonb_agg(s.ids ORDER BY s.n), '[]') INTO v_batches FROM (
        SELECT (u.n - 1) / p_batch_size AS n, jsonb_agg(u.id ORDER BY u.id) AS ids
        FROM unnest(v_ids) WITH ORDINALITY u (id, n) GROUP BY 1) s;
    v_made := public.ingestion_add_round(v_begin.job, v_batches);
    SELECT array_agg(m.batch_number ORDER BY m.batch_number), array_agg(m.moved ORDER BY m.batch_number)
    INTO v_olds, v_moved FROM (
        SELECT f.batch_number, count(*)::integer AS moved FROM public.ingestion_failure f
        WHERE f.job_id = p_job AND f.record_id = ANY (v_ids) GROUP BY 1) m;
    PERFORM 1 FROM public.ingestion_batch b
    WHERE b.job_id = p_job AND b.batch_number = ANY (v_olds) ORDER BY b.batch_number FOR UPDATE; -- ascending, as everywhere
    UPDATE public.ingestion_batch b SET failed_count = b.failed_count - m.moved, moved_count = b.moved_count + m.moved,
        updated_at = v_now
    FROM unnest(v_olds, v_moved) m (batch_number, moved)
    WHERE b.job_id = p_job AND b.batch_number = m.batch_number;
    UPDATE public.ingestion_failure SET resolved_at = v_now WHERE job_id = p_job AND record_id = ANY (v_ids);
    PERFORM public.ingestion_log(v_begin.job, b, 'requeued', '{"mode": "records"}')
    FROM public.ingestion_batch b WHERE b.job_id = p_job AND b.batch_number = ANY (v_olds);
    v_answer := public.ingestion_requeue_end(v_begin.job, p_request_id, v_made, v_made, cardinality(v_ids),
        CASE WHEN v_more THEN v_ids[p_limit] END);
    PERFORM public.ingestion_count(p_job, failed => -cardinality(v_ids));
    PERFORM public.ingestion_copy_counters(p_job);
    RETURN v_answer;
EXCEPTION WHEN unique_violation THEN -- nothing was done
    GET STACKED DIAGNOSTICS v_schema = SCHEMA_NAME, v_table = TABLE_NAME, v_constraint = CONSTRAINT_NAME;
    IF (v_schema, v_table, v_constraint) IS DISTINCT FROM ('public', 'ingestion_job', 'ingestion_job_open') THEN
        RAISE; -- something else is wrong, and only its own message tells what
    END IF;
    RETURN '{"result": "conflict", "batches": 0, "records": 0, "more": false, "next": null}'; -- another job of the target was opened just now
END
$$;
