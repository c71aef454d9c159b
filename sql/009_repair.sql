-- Job tracking, 9 of 12: what an operator does about hanging attempts and wrong counters. An UPDATE by hand would end
-- an attempt without counting it, and so make the counters wrong.

-- Whether the filter selects this batch: every given condition must hold. A worker is named whole, or by its runner or
-- host.
CREATE OR REPLACE FUNCTION public.ingestion_is_meant(
    p_batch public.ingestion_batch, p_worker text, p_until timestamptz, p_numbers bigint[]
) RETURNS boolean
LANGUAGE sql IMMUTABLE SET search_path = pg_catalog, pg_temp AS $$
    SELECT p_batch.status = 'processing'
        AND (p_worker IS NULL OR p_batch.worker_id = p_worker OR starts_with(p_batch.worker_id, p_worker || '/')
            OR starts_with(p_batch.worker_id, p_worker || ':'))
        AND p_batch.claimed_at <= p_until
        AND (p_numbers IS NULL OR p_batch.batch_number = ANY (p_numbers))
$$;

-- Ends attempts that an operator names, whether their lease is valid or not, in the same way as the reaper: each uses a
-- retry (I7), the events and the counters include it, and later calls of the worker get `lost` (I3). The batches may be
-- claimed again at once. A dry run only reports what it would do; with its `claimed_until` the following calls do not
-- touch batches that are claimed meanwhile.
CREATE OR REPLACE FUNCTION public.release_ingestion_batches(
    p_job bigint, p_filter jsonb, p_limit integer, p_dry_run boolean
) RETURNS jsonb
LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = pg_catalog, pg_temp SET lock_timeout = '2s' AS $$
DECLARE
    v_now timestamptz := public.ingestion_now();
    v_worker text := p_filter ->> 'worker';
    v_age bigint := (p_filter ->> 'older_than_ms')::bigint;
    v_numbers bigint[] := public.ingestion_ids(nullif(p_filter -> 'batch_numbers', 'null'));
    v_until timestamptz := (p_filter ->> 'claimed_until')::timestamptz;
    v_job public.ingestion_job;
    v_batch public.ingestion_batch;
    v_ids bigint[];
    v_code constant text := 'released_by_operator';
    v_message constant text := 'a person has released it';
    v_released integer := 0;
    v_failed integer := 0;
    v_records bigint := 0;
    v_lost bigint := 0;
    v_alive integer := 0;
BEGIN
    PERFORM public.ingestion_require_read_committed();
    PERFORM public.ingestion_require(p_limit BETWEEN 1 AND 1000 AND p_dry_run IS NOT NULL,
        'limit must be 1…1000, dry_run true or false');
    PERFORM public.ingestion_require(num_nonnulls(v_worker, v_age, v_numbers, v_until) > 0,
        'say which batches: by worker, older_than_ms, batch_numbers or claimed_until');
    PERFORM public.ingestion_require(v_worker IS NULL OR length(v_worker) BETWEEN 1 AND 200,
        'a worker is a text of 1…200 characters');
    PERFORM public.ingestion_require(v_age IS NULL OR v_age BETWEEN 0 AND 315360000000,
        'older_than_ms must be 0 to ten years');
    v_until := least(v_until, v_now - make_interval(secs => coalesce(v_age, 0) / 1000.0));
    SELECT * INTO v_job FROM public.ingestion_job WHERE id = p_job;
    IF v_job.id IS NULL THEN
        RETURN jsonb_build_object('result', 'not_found', 'released', 0, 'failed', 0, 'records', 0, 'alive', 0, 'more', false,
            'claimed_until', public.ingestion_iso(v_until));
    END IF;
    -- Selected in the order of the index, so that it works for any size of job; locked in the order of all other calls,
    -- and tested again.
    SELECT coalesce(array_agg(s.id), '{}') INTO v_ids FROM (
        SELECT b.id FROM public.ingestion_batch b
        WHERE b.job_id = p_job AND b.status = 'processing'
            AND public.ingestion_is_meant(b, v_worker, v_until, v_numbers)
        ORDER BY b.claimed_at LIMIT p_limit) s;
    IF NOT p_dry_run THEN
        PERFORM 1 FROM public.ingestion_batch b WHERE b.id = ANY (v_ids) ORDER BY b.batch_number FOR UPDATE;
    END IF;
    FOR v_batch IN
        SELECT * FROM public.ingestion_batch b
        WHERE b.id = ANY (v_ids) AND public.ingestion_is_meant(b, v_worker, v_until, v_numbers) ORDER BY b.batch_number
    LOOP
        v_records := v_records + v_batch.record_count;
        v_alive := v_alive + (v_batch.lease_expires_at > v_now)::integer;
        IF v_batch.retry_count < v_job.max_retries THEN
            v_released := v_released + 1;
            IF NOT p_dry_run THEN
                v_batch := public.ingestion_reopen(v_job, v_batch, 'reaped', interval '0', 1, v_code, v_message);
            END IF;
        ELSE
            v_failed := v_failed + 1;
            v_lost := v_lost + v_batch.record_count;
            IF NOT p_dry_run THEN
                v_batch := public.ingestion_close(v_job, v_batch, 'failed', 'reaped', jsonb_build_object('processed', 0,
                    'skipped', 0, 'failed', v_batch.record_count, 'missing', 0),
                    public.ingestion_all_failed(v_batch, v_code, v_message), v_code, v_message);
            END IF;
        END IF;
    END LOOP;
    IF v_released + v_failed > 0 AND NOT p_dry_run THEN
        PERFORM public.ingestion_count(p_job, in_flight => -(v_released + v_failed), failed_batches => v_failed,
            failed => v_lost, retries => v_released, reaps => v_released + v_failed);
        PERFORM public.ingestion_count_brakes(p_job, v_lost, 0); -- nothing of this is about content
    END IF;
    RETURN jsonb_build_object('result', 'ok', 'released', v_released, 'failed', v_failed, 'records', v_records,
        'alive', v_alive, 'more', cardinality(v_ids) = p_limit, 'claimed_until', public.ingestion_iso(v_until));
END
$$;

-- Sets the counters to a recount of the tables (I15), and corrects what an UPDATE by hand has left in batches: counts
-- of waiting batches, an end without an outcome, open dead letters of records that are pending again.
--
-- Work goes on meanwhile. The counters and the recount are read in one snapshot. Each call changes both or neither, so
-- their difference is an error whatever else is going on, and is added rather than written. Only two recounts must not
-- overlap: hence the first lock. The job lock is held only for the writes.
CREATE OR REPLACE FUNCTION public.recount_ingestion_job(p_job bigint) RETURNS jsonb
LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = pg_catalog, pg_temp SET lock_timeout = '2s' AS $$
DECLARE
    v_now timestamptz := public.ingestion_now();
    v_limit constant integer := 10000;
    v_job public.ingestion_job;
    v_counted jsonb;
    v_exact jsonb;
    v_ids bigint[];
    v_delta jsonb;
    v_changes jsonb;
    v_batches integer;
    v_letters integer;
BEGIN
    PERFORM public.ingestion_require_read_committed();
    PERFORM pg_advisory_xact_lock(hashtextextended('ingestion_recount ' || p_job, 0));
    SELECT public.get_ingestion_job_stats(p_job) || jsonb_build_object('total_batches', j.total_batches,
            'total_records', j.total_records),
        public.get_ingestion_job_stats_exact(p_job) || jsonb_build_object('total_batches', b.batches,
            'total_records', b.records)
    INTO v_counted, v_exact
    FROM public.ingestion_job j, (
        SELECT count(*) AS batches, coalesce(sum(record_count - moved_count), 0) AS records
        FROM public.ingestion_batch WHERE job_id = p_job) b
    WHERE j.id = p_job;
    IF v_counted IS NULL THEN
        RETURN jsonb_build_object('result', 'not_found', 'changes', '[]'::jsonb, 'batches', 0, 'letters', 0, 'more', false);
    END IF;
    SELECT coalesce(jsonb_object_agg(k.name, k.exact - k.counted), '{}'),
        coalesce(jsonb_agg(jsonb_build_object('name', k.name, 'from', k.counted, 'to', k.exact) ORDER BY k.place), '[]')
    INTO v_delta, v_changes
    FROM (
        SELECT n.name, n.place, coalesce((v_counted ->> n.name)::bigint, 0) AS counted,
            coalesce((v_exact ->> n.name)::bigint, 0) AS exact
        FROM unnest(ARRAY['total_batches', 'total_records', 'processing', 'completed', 'failed', 'processed', 'skipped',
            'failed_records', 'missing', 'claims', 'retries', 'reaps', 'releases', 'defers', 'service_failures', 'removed',
            'billed_tokens', 'billed_nanodollars']) WITH ORDINALITY n (name, place)
    ) k
    WHERE k.exact <> k.counted;
    SELECT coalesce(array_agg(s.id), '{}') INTO v_ids FROM (
        SELECT b.id FROM public.ingestion_batch b
        WHERE b.job_id = p_job AND (b.status <> 'processing' AND b.attempt > 0 AND b.last_outcome IS NULL
            OR b.status = 'pending' AND (b.processed_count, b.skipped_count, b.failed_count, b.missing_count, b.moved_count)
                <> (0, 0, 0, 0, 0)
            OR b.status IN ('pending', 'processing') AND b.batch_number IN (
                SELECT f.batch_number FROM public.ingestion_failure f WHERE f.job_id = p_job AND f.resolved_at IS NULL))
        LIMIT v_limit) s;

    PERFORM public.ingestion_lock_job(p_job, true);
    SELECT * INTO v_job FROM public.ingestion_job WHERE id = p_job FOR UPDATE;
    UPDATE public.ingestion_job SET
        total_batches = total_batches + coalesce((v_delta ->> 'total_batches')::integer, 0),
        total_records = total_records + coalesce((v_delta ->> 'total_records')::bigint, 0),
        completed_batches = (v_exact ->> 'completed')::integer, failed_batches = (v_exact ->> 'failed')::integer,
        processed_records = (v_exact ->> 'processed')::bigint, skipped_records = (v_exact ->> 'skipped')::bigint,
        failed_records = (v_exact ->> 'failed_records')::bigint, missing_records = (v_exact ->> 'missing')::bigint,
        updated_at = v_now
    WHERE id = p_job;
    PERFORM 1 FROM public.ingestion_batch b WHERE b.id = ANY (v_ids) ORDER BY b.batch_number FOR UPDATE;
    UPDATE public.ingestion_batch b SET
        last_outcome = coalesce(b.last_outcome, CASE b.status WHEN 'pending' THEN 'release' WHEN 'completed' THEN 'completed'
            WHEN 'failed' THEN 'failed' END),
        processed_count = CASE b.status WHEN 'pending' THEN 0 ELSE b.processed_count END,
        skipped_count = CASE b.status WHEN 'pending' THEN 0 ELSE b.skipped_count END,
        failed_count = CASE b.status WHEN 'pending' THEN 0 ELSE b.failed_count END,
        missing_count = CASE b.status WHEN 'pending' THEN 0 ELSE b.missing_count END,
        moved_count = CASE b.status WHEN 'pending' THEN 0 ELSE b.moved_count END,
        updated_at = v_now
    WHERE b.id = ANY (v_ids) AND (b.status <> 'processing' AND b.attempt > 0 AND b.last_outcome IS NULL
        OR b.status = 'pending' AND (b.processed_count, b.skipped_count, b.failed_count, b.missing_count, b.moved_count)
            <> (0, 0, 0, 0, 0));
    GET DIAGNOSTICS v_batches = ROW_COUNT;
    UPDATE public.ingestion_failure f SET resolved_at = v_now
    FROM public.ingestion_batch b
    WHERE b.id = ANY (v_ids) AND b.status IN ('pending', 'processing') AND f.job_id = p_job
        AND f.batch_number = b.batch_number AND f.resolved_at IS NULL;
    GET DIAGNOSTICS v_letters = ROW_COUNT;
    IF v_changes <> '[]' OR v_batches + v_letters > 0 THEN
        PERFORM public.ingestion_log(v_job, NULL, 'recounted', jsonb_build_object('batches', v_batches::text,
            'letters', v_letters::text, 'changes', (
                SELECT string_agg(format('%s %s to %s', c.value ->> 'name', c.value ->> 'from', c.value ->> 'to'), ', '
                    ORDER BY c.ordinality) FROM jsonb_array_elements(v_changes) WITH ORDINALITY c)));
    END IF;
    INSERT INTO public.ingestion_counter (job_id, shard) SELECT p_job, s FROM generate_series(0, 15) s
    ON CONFLICT DO NOTHING;
    UPDATE public.ingestion_counter c SET
        in_flight = c.in_flight + coalesce((v_delta ->> 'processing')::bigint, 0),
        completed_batches = c.completed_batches + coalesce((v_delta ->> 'completed')::bigint, 0),
        failed_batches = c.failed_batches + coalesce((v_delta ->> 'failed')::bigint, 0),
        processed = c.processed + coalesce((v_delta ->> 'processed')::bigint, 0),
        skipped = c.skipped + coalesce((v_delta ->> 'skipped')::bigint, 0),
        failed = c.failed + coalesce((v_delta ->> 'failed_records')::bigint, 0),
        missing = c.missing + coalesce((v_delta ->> 'missing')::bigint, 0),
        claims = c.claims + coalesce((v_delta ->> 'claims')::bigint, 0),
        retries = c.retries + coalesce((v_delta ->> 'retries')::bigint, 0),
        reaps = c.reaps + coalesce((v_delta ->> 'reaps')::bigint, 0),
        releases = c.releases + coalesce((v_delta ->> 'releases')::bigint, 0),
        defers = c.defers + coalesce((v_delta ->> 'defers')::bigint, 0),
        service_failures = c.service_failures + coalesce((v_delta ->> 'service_failures')::bigint, 0),
        removed = c.removed + coalesce((v_delta ->> 'removed')::bigint, 0),
        billed_tokens = c.billed_tokens + coalesce((v_delta ->> 'billed_tokens')::bigint, 0),
        billed_nanodollars = c.billed_nanodollars + coalesce((v_delta ->> 'billed_nanodollars')::bigint, 0)
    WHERE c.job_id = p_job AND c.shard = 0 AND v_changes <> '[]';
    RETURN jsonb_build_object('result', 'ok', 'changes', v_changes, 'batches', v_batches, 'letters', v_letters,
        'more', cardinality(v_ids) = v_limit);
END
$$;
