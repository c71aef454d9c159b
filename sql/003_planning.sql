-- Job tracking, 3 of 12: opening a job and planning it.

-- Asks for the controller lease of a job whose row is locked, and stores the result. The caller's own lease is
-- extended; a free or expired one becomes the caller's with the next epoch (I11); another controller's lease stays.
CREATE OR REPLACE FUNCTION public.ingestion_take_control(
    INOUT job public.ingestion_job, p_controller_id text, p_token uuid, OUT role text
)
LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    v_now timestamptz := public.ingestion_now();
BEGIN
    role := 'follower';
    IF job.controller_expires_at > v_now AND job.controller_token = p_token THEN
        role := 'controller';
    ELSIF job.controller_expires_at IS NULL OR job.controller_expires_at <= v_now THEN
        role := 'controller';
        job.controller_epoch := job.controller_epoch + 1; -- I11
    END IF;
    IF role = 'controller' THEN
        job.controller_id := left(p_controller_id, 200);
        job.controller_token := p_token;
        job.controller_expires_at := v_now + interval '30 seconds';
    END IF;
    UPDATE public.ingestion_job j SET controller_id = job.controller_id, controller_epoch = job.controller_epoch,
        controller_token = job.controller_token, controller_expires_at = job.controller_expires_at, updated_at = v_now
    WHERE j.id = job.id;
END
$$;

-- Opens the one open job of a target, or joins it, and asks for its controller lease (30 s).
CREATE OR REPLACE FUNCTION public.open_ingestion_job(
    p_target_key text, p_config_hash text, p_config jsonb, p_settings jsonb, p_controller_id text, p_token uuid,
    p_start boolean
) RETURNS jsonb
LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = pg_catalog, pg_temp SET lock_timeout = '2s' AS $$
DECLARE
    v_now timestamptz := public.ingestion_now();
    v_job public.ingestion_job;
    v_new bigint;
    v_control record;
    v_servers jsonb := public.ingestion_servers('{}', coalesce(nullif(p_settings -> 'servers', 'null'), '{}'));
BEGIN
    PERFORM public.ingestion_require_read_committed();
    PERFORM public.ingestion_require(jsonb_typeof(p_config) = 'object' AND p_token IS NOT NULL AND p_start IS NOT NULL,
        'config, token and start are required');
    PERFORM public.ingestion_require((p_settings ->> 'max_retries')::integer BETWEEN 0 AND 1000
        AND (p_settings ->> 'lease_seconds')::integer BETWEEN 1 AND 86400
        AND (p_settings ->> 'batch_timeout_seconds')::integer BETWEEN 1 AND 604800
        AND (p_settings ->> 'backoff_base_seconds')::integer BETWEEN 0 AND 86400
        AND (p_settings ->> 'backoff_cap_seconds')::integer BETWEEN 0 AND 86400
        AND (p_settings ->> 'record_events')::boolean IS NOT NULL, 'settings are out of range');

    -- A job can end between the insert that conflicts with it and the lock on it: then there is room for a new one.
    FOR i IN 1..3 LOOP
        INSERT INTO public.ingestion_job (target_key, config_hash, config, max_retries, lease_seconds,
            batch_timeout_seconds, backoff_base_seconds, backoff_cap_seconds, record_events, servers, opened_token,
            created_at, updated_at)
        VALUES (p_target_key, p_config_hash, p_config, (p_settings ->> 'max_retries')::integer,
            (p_settings ->> 'lease_seconds')::integer, (p_settings ->> 'batch_timeout_seconds')::integer,
            (p_settings ->> 'backoff_base_seconds')::integer, (p_settings ->> 'backoff_cap_seconds')::integer,
            (p_settings ->> 'record_events')::boolean, v_servers, p_token, v_now, v_now)
        ON CONFLICT DO NOTHING -- an open job of the target, or the job that this very call has opened
        RETURNING id INTO v_new;
        SELECT * INTO v_job FROM public.ingestion_job
        WHERE target_key = p_target_key AND status IN ('pending', 'running', 'paused') FOR UPDATE;
        EXIT WHEN FOUND;
        -- The call is a repeat, and the job that it opened has ended since: it opens no other one (I27).
        SELECT * INTO v_job FROM public.ingestion_job WHERE target_key = p_target_key AND opened_token = p_token
            AND status NOT IN ('pending', 'running', 'paused');
        EXIT WHEN FOUND;
    END LOOP;
    IF v_job.id IS NULL THEN
        RAISE EXCEPTION USING ERRCODE = '55P03', MESSAGE = 'the open job of this target keeps changing';
    END IF;

    -- Models must never mix: nothing changes.
    IF v_job.config_hash IS DISTINCT FROM p_config_hash THEN
        RETURN jsonb_build_object('result', 'config_mismatch', 'role', 'follower', 'epoch', v_job.controller_epoch,
            'job', public.ingestion_job_summary(v_job));
    END IF;

    IF v_job.status NOT IN ('pending', 'running', 'paused') THEN
        RETURN jsonb_build_object('result', 'resumed', 'role', 'follower', 'epoch', v_job.controller_epoch,
            'job', public.ingestion_job_summary(v_job));
    END IF;

    IF v_new IS NOT NULL THEN
        INSERT INTO public.ingestion_counter (job_id, shard) SELECT v_new, s FROM generate_series(0, 15) s;
    END IF;
    IF p_start AND v_job.status = 'pending' THEN
        UPDATE public.ingestion_job SET status = 'running',
            metadata = metadata || jsonb_build_object('start_time', public.ingestion_iso(v_now))
        WHERE id = v_job.id RETURNING * INTO v_job;
    END IF;
    SELECT * INTO v_control FROM public.ingestion_take_control(v_job, p_controller_id, p_token);
    v_job := v_control.job;
    IF v_new IS NOT NULL THEN
        PERFORM public.ingestion_log(v_job, NULL, 'opened', jsonb_build_object('target_key', p_target_key));
    END IF;
    RETURN jsonb_build_object('result', CASE WHEN v_new IS NULL THEN 'resumed' ELSE 'created' END,
        'role', v_control.role, 'epoch', v_job.controller_epoch, 'job', public.ingestion_job_summary(v_job));
END
$$;

-- Joins the named job, and asks for its controller lease as open_ingestion_job does for an open one. It opens no job
-- and joins no other one: if the job has ended meanwhile, the answer says so, and nothing changes (I11).
CREATE OR REPLACE FUNCTION public.join_ingestion_job(
    p_job bigint, p_config_hash text, p_controller_id text, p_token uuid
) RETURNS jsonb
LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = pg_catalog, pg_temp SET lock_timeout = '2s' AS $$
DECLARE
    v_job public.ingestion_job;
    v_control record;
    v_refusal text;
BEGIN
    PERFORM public.ingestion_require_read_committed();
    PERFORM public.ingestion_require(p_token IS NOT NULL, 'token is required');
    SELECT * INTO v_job FROM public.ingestion_job WHERE id = p_job FOR UPDATE;
    IF v_job.id IS NULL THEN
        RETURN jsonb_build_object('result', 'not_found', 'role', 'follower', 'epoch', 0, 'job', NULL);
    END IF;
    v_refusal := CASE
        WHEN v_job.status NOT IN ('pending', 'running', 'paused') THEN 'ended'
        -- Models must never mix.
        WHEN v_job.config_hash IS DISTINCT FROM p_config_hash THEN 'config_mismatch' END;
    IF v_refusal IS NOT NULL THEN
        RETURN jsonb_build_object('result', v_refusal, 'role', 'follower', 'epoch', v_job.controller_epoch,
            'job', public.ingestion_job_summary(v_job));
    END IF;
    SELECT * INTO v_control FROM public.ingestion_take_control(v_job, p_controller_id, p_token);
    v_job := v_control.job;
    RETURN jsonb_build_object('result', 'resumed', 'role', v_control.role, 'epoch', v_job.controller_epoch,
        'job', public.ingestion_job_summary(v_job));
END
$$;

-- Stores servers that a job uses, besides those that it has used before. Repeating it changes nothing.
CREATE OR REPLACE FUNCTION public.add_ingestion_servers(p_job bigint, p_servers jsonb) RETURNS jsonb
LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = pg_catalog, pg_temp SET lock_timeout = '2s' AS $$
DECLARE
    v_job public.ingestion_job;
    v_servers jsonb := public.ingestion_servers('{}', p_servers);
BEGIN
    PERFORM public.ingestion_require_read_committed();
    SELECT * INTO v_job FROM public.ingestion_job WHERE id = p_job FOR UPDATE;
    IF v_job.id IS NULL THEN
        RETURN jsonb_build_object('result', 'not_found', 'servers', NULL);
    END IF;
    v_servers := public.ingestion_servers(v_job.servers, v_servers);
    IF v_servers IS DISTINCT FROM v_job.servers THEN
        UPDATE public.ingestion_job SET servers = v_servers, updated_at = public.ingestion_now() WHERE id = p_job;
    END IF;
    RETURN jsonb_build_object('result', 'ok', 'servers', v_servers);
END
$$;

-- Extends the controller lease: compare and set on (epoch, token). Also refreshes the job's copies of the counters.
CREATE OR REPLACE FUNCTION public.renew_controller(p_job bigint, p_epoch integer, p_token uuid) RETURNS jsonb
LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = pg_catalog, pg_temp SET lock_timeout = '2s' AS $$
DECLARE
    v_now timestamptz := public.ingestion_now();
BEGIN
    PERFORM public.ingestion_require_read_committed();
    UPDATE public.ingestion_job j SET controller_expires_at = v_now + interval '30 seconds', updated_at = v_now,
        counted_at = v_now, completed_batches = c.completed_batches, failed_batches = c.failed_batches, processed_records = c.processed,
        skipped_records = c.skipped, failed_records = c.failed, missing_records = c.missing
    FROM (
        SELECT sum(completed_batches) AS completed_batches, sum(failed_batches) AS failed_batches,
            sum(processed) AS processed, sum(skipped) AS skipped, sum(failed) AS failed, sum(missing) AS missing
        FROM public.ingestion_counter WHERE job_id = p_job
    ) c
    WHERE j.id = p_job AND j.controller_epoch = p_epoch AND j.controller_token = p_token;
    IF NOT FOUND THEN
        RETURN jsonb_build_object('result', 'lost', 'ttl_ms', 0);
    END IF;
    RETURN jsonb_build_object('result', 'ok', 'ttl_ms', 30000);
END
$$;

-- Stores one page of the plan: a compare and set on the cursor, so that the plan is always an exact prefix of the source
-- order (I12), even when controllers change and answers are lost.
CREATE OR REPLACE FUNCTION public.append_ingestion_batches(
    p_job bigint, p_epoch integer, p_token uuid, p_expected_cursor bigint, p_batches jsonb
) RETURNS jsonb
LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = pg_catalog, pg_temp SET lock_timeout = '2s' AS $$
DECLARE
    v_now timestamptz := public.ingestion_now();
    v_job public.ingestion_job;
    v_ids bigint[];
    v_last bigint;
    v_count integer;
    v_result text;
BEGIN
    PERFORM public.ingestion_require_read_committed();
    PERFORM public.ingestion_require(jsonb_typeof(p_batches) = 'array' AND jsonb_array_length(p_batches) > 0,
        'a page has at least one batch');
    -- 1 MB in the sent form; the server writes a space after each comma.
    PERFORM public.ingestion_require(octet_length(p_batches::text) <= 1572864, 'a page is at most 1 MB');
    PERFORM public.ingestion_require(bool_and(jsonb_typeof(b) = 'array' AND jsonb_array_length(b) > 0),
        'a batch has at least one record') FROM jsonb_array_elements(p_batches) b;
    SELECT array_agg(r.value::bigint ORDER BY b.ordinality, r.ordinality) INTO v_ids
    FROM jsonb_array_elements(p_batches) WITH ORDINALITY b, jsonb_array_elements_text(b.value) WITH ORDINALITY r;
    PERFORM public.ingestion_require(array_position(v_ids, NULL) IS NULL AND bool_and(s.before IS NULL OR s.id > s.before),
        'ids must be ascending and above the cursor')
    FROM (SELECT id, lag(id, 1, p_expected_cursor) OVER (ORDER BY n) AS before
        FROM unnest(v_ids) WITH ORDINALITY u (id, n)) s;
    v_last := v_ids[cardinality(v_ids)];
    v_count := jsonb_array_length(p_batches);

    SELECT * INTO v_job FROM public.ingestion_job WHERE id = p_job FOR UPDATE;
    v_result := CASE
        WHEN v_job.id IS NULL THEN 'closed'
        WHEN (v_job.controller_epoch, v_job.controller_token) IS DISTINCT FROM (p_epoch, p_token) THEN 'lost' -- I11
        WHEN v_job.status NOT IN ('pending', 'running', 'paused') THEN 'closed'
        -- The answer was lost: this same page is the last one that was stored.
        WHEN v_job.plan_cursor = v_last AND (
            SELECT array_agg(jsonb_build_array(i.record_ids[1], i.record_ids[cardinality(i.record_ids)],
                cardinality(i.record_ids)) ORDER BY i.batch_number)
            FROM public.ingestion_batch_ids i
            WHERE i.job_id = p_job AND i.batch_number IN (
                SELECT b.batch_number FROM public.ingestion_batch b WHERE b.job_id = p_job AND b.round = 0
                ORDER BY b.batch_number DESC LIMIT v_count)
        ) = (
            SELECT array_agg(jsonb_build_array(b.value -> 0, b.value -> -1, jsonb_array_length(b.value))
                ORDER BY b.ordinality)
            FROM jsonb_array_elements(p_batches) WITH ORDINALITY b
        ) THEN 'duplicate'
        WHEN v_job.plan_sealed_at IS NOT NULL THEN 'sealed'
        WHEN v_job.plan_cursor IS DISTINCT FROM p_expected_cursor THEN 'cursor_mismatch'
        ELSE 'appended'
    END;
    IF v_result = 'appended' THEN
        INSERT INTO public.ingestion_batch (job_id, batch_number, record_count, next_retry_at, created_at, updated_at)
        SELECT p_job, v_job.next_batch_number + b.ordinality - 1, jsonb_array_length(b.value), v_now, v_now, v_now
        FROM jsonb_array_elements(p_batches) WITH ORDINALITY b ORDER BY b.ordinality;
        INSERT INTO public.ingestion_batch_ids (job_id, batch_number, record_ids)
        SELECT p_job, v_job.next_batch_number + b.ordinality - 1, public.ingestion_ids(b.value)
        FROM jsonb_array_elements(p_batches) WITH ORDINALITY b ORDER BY b.ordinality;
        PERFORM public.ingestion_log(v_job, NULL, 'planned', jsonb_build_object(
            'first_batch', v_job.next_batch_number::text, 'batches', v_count::text, 'cursor', v_last::text));
        UPDATE public.ingestion_job SET plan_cursor = v_last, next_batch_number = next_batch_number + v_count,
            total_batches = total_batches + v_count, total_records = total_records + cardinality(v_ids),
            updated_at = v_now
        WHERE id = p_job RETURNING * INTO v_job;
    END IF;
    RETURN jsonb_build_object('result', v_result, 'cursor', v_job.plan_cursor,
        'next_number', coalesce(v_job.next_batch_number, 0));
END
$$;

-- Declares the plan complete. source_count is for the report only.
CREATE OR REPLACE FUNCTION public.seal_ingestion_plan(
    p_job bigint, p_epoch integer, p_token uuid, p_expected_cursor bigint, p_upper bigint, p_source_count bigint
) RETURNS jsonb
LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = pg_catalog, pg_temp SET lock_timeout = '2s' AS $$
DECLARE
    v_now timestamptz := public.ingestion_now();
    v_job public.ingestion_job;
    v_result text;
BEGIN
    PERFORM public.ingestion_require_read_committed();
    SELECT * INTO v_job FROM public.ingestion_job WHERE id = p_job FOR UPDATE;
    v_result := CASE
        WHEN v_job.id IS NULL THEN 'closed'
        WHEN (v_job.controller_epoch, v_job.controller_token) IS DISTINCT FROM (p_epoch, p_token) THEN 'lost' -- I11
        WHEN v_job.plan_sealed_at IS NOT NULL THEN 'already_sealed'
        WHEN v_job.status NOT IN ('pending', 'running', 'paused') THEN 'closed'
        WHEN v_job.plan_cursor IS DISTINCT FROM p_expected_cursor THEN 'cursor_mismatch'
        ELSE 'sealed'
    END;
    IF v_result = 'sealed' THEN
        PERFORM public.ingestion_log(v_job, NULL, 'sealed', jsonb_build_object('upper', p_upper::text));
        UPDATE public.ingestion_job SET plan_sealed_at = v_now, plan_upper = p_upper, source_count = p_source_count,
            updated_at = v_now
        WHERE id = p_job;
    END IF;
    RETURN jsonb_build_object('result', v_result);
END
$$;
