-- Job tracking, 7 of 9: the minute quota that all workers share (I22), as a generic cell rate algorithm: two theoretical
-- arrival times, one for tokens and one for requests, instead of a bucket. A share of 0.975 of the limits and a burst of
-- 0.2 s, with requests of at most 1.2 % of the minute, keep every rolling 60 s below the limits.

-- The share in force: what is left of the last cut, recovering by 0.001 a second; by time, not by calls.
CREATE OR REPLACE FUNCTION public.ingestion_share(p_quota public.ingestion_quota, p_now timestamptz)
RETURNS double precision
LANGUAGE sql IMMUTABLE SET search_path = '' AS $$
    SELECT CASE WHEN isfinite(p_quota.cut_at)
        THEN least(0.975, p_quota.share
            + greatest(0, extract(epoch FROM p_now - p_quota.cut_at)::double precision) * 0.001::double precision)
        ELSE least(0.975, p_quota.share) END
$$;

-- Reserves tokens and one request. A wait above the maximum is refused and not charged. A repeated call charges twice:
-- that can waste capacity, never overspend. The commit does not wait for the disk: a crash of the database may forget
-- less than a second of reservations.
CREATE OR REPLACE FUNCTION public.reserve_quota(p_quota text, p_cost bigint, p_max_wait_ms bigint) RETURNS jsonb
LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = '' SET lock_timeout = '2s' AS $$
DECLARE
    v_quota public.ingestion_quota;
    v_now timestamptz;
    v_share double precision;
    v_open timestamptz;
    v_tokens timestamptz;
    v_requests timestamptz;
    v_wait bigint;
BEGIN
    PERFORM public.ingestion_require(p_cost >= 0 AND p_max_wait_ms >= 0, 'cost and max_wait_ms are never negative');
    -- In the transaction: a SET clause of the function would be undone before the commit.
    PERFORM set_config('synchronous_commit', 'off', true);
    SELECT * INTO v_quota FROM public.ingestion_quota WHERE quota = p_quota FOR UPDATE;
    IF NOT FOUND THEN
        RETURN jsonb_build_object('granted', true, 'wait_ms', 0, 'stop_reason', NULL);
    ELSIF v_quota.stop_reason IS NOT NULL THEN
        RETURN jsonb_build_object('granted', false, 'wait_ms', 0, 'stop_reason', v_quota.stop_reason);
    END IF;
    v_now := public.ingestion_clock(); -- after the wait for the row
    v_share := public.ingestion_share(v_quota, v_now);
    v_open := greatest(v_now, v_quota.pause_until); -- what waited for a pause is paced after it, too
    v_tokens := greatest(v_quota.tokens_arrival_at, v_open - v_quota.burst);
    v_requests := greatest(v_quota.requests_arrival_at, v_open - v_quota.burst);
    v_wait := public.ingestion_wait_ms(v_now, greatest(v_open,
        CASE WHEN v_quota.tokens_per_minute > 0 THEN v_tokens END,
        CASE WHEN v_quota.requests_per_minute > 0 THEN v_requests END));
    IF v_wait > p_max_wait_ms THEN
        RETURN jsonb_build_object('granted', false, 'wait_ms', v_wait, 'stop_reason', NULL);
    END IF;
    -- Whole microseconds, rounded up: many small requests together never get more than the limit.
    UPDATE public.ingestion_quota SET
        tokens_arrival_at = CASE WHEN tokens_per_minute > 0 THEN v_tokens + interval '1 microsecond'
            * ceil(p_cost * unit_factor * 60000000 / (tokens_per_minute * v_share)) ELSE tokens_arrival_at END,
        requests_arrival_at = CASE WHEN requests_per_minute > 0 THEN v_requests + interval '1 microsecond'
            * ceil(60000000 / (requests_per_minute * v_share)) ELSE requests_arrival_at END
    WHERE quota = p_quota;
    RETURN jsonb_build_object('granted', true, 'wait_ms', v_wait, 'stop_reason', NULL);
END
$$;

-- Tells all workers what one of them learned. A pause only moves later; the share is cut once per pause, so that five
-- workers that see one refusal cut once.
CREATE OR REPLACE FUNCTION public.report_quota(p_quota text, p_report jsonb) RETURNS jsonb
LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = '' SET lock_timeout = '2s' AS $$
DECLARE
    v_quota public.ingestion_quota;
    v_now timestamptz;
    v_throttled bigint := (p_report ->> 'throttled_ms')::bigint;
BEGIN
    PERFORM public.ingestion_require(p_quota <> '' AND jsonb_typeof(p_report) = 'object', 'quota and report are required');
    PERFORM public.ingestion_require(coalesce((p_report ->> 'tokens_per_minute')::bigint, 0) >= 0
        AND coalesce((p_report ->> 'requests_per_minute')::bigint, 0) >= 0 AND coalesce(v_throttled, 0) >= 0,
        'limits and waits are never negative');
    INSERT INTO public.ingestion_quota (quota) VALUES (p_quota) ON CONFLICT (quota) DO NOTHING;
    SELECT * INTO v_quota FROM public.ingestion_quota WHERE quota = p_quota FOR UPDATE;
    v_now := public.ingestion_clock();
    IF v_throttled IS NOT NULL THEN
        IF v_now >= v_quota.pause_until AND v_now >= v_quota.cut_at + interval '1 second' THEN
            v_quota.share := greatest(0.6, public.ingestion_share(v_quota, v_now) * 0.985);
            v_quota.cut_at := v_now;
        END IF;
        v_quota.pause_until := greatest(v_quota.pause_until, v_now + make_interval(secs => v_throttled / 1000.0));
    END IF;
    UPDATE public.ingestion_quota SET
        tokens_per_minute = coalesce((p_report ->> 'tokens_per_minute')::bigint, tokens_per_minute),
        requests_per_minute = coalesce((p_report ->> 'requests_per_minute')::bigint, requests_per_minute),
        share = v_quota.share, cut_at = v_quota.cut_at, pause_until = v_quota.pause_until,
        stop_reason = CASE WHEN (p_report ->> 'resumed')::boolean THEN p_report ->> 'stop_reason'
            ELSE coalesce(left(p_report ->> 'stop_reason', 500), stop_reason) END
    WHERE quota = p_quota RETURNING * INTO v_quota;
    RETURN jsonb_build_object('tokens_per_minute', v_quota.tokens_per_minute,
        'requests_per_minute', v_quota.requests_per_minute, 'share', public.ingestion_share(v_quota, v_now),
        'pause_ms', CASE WHEN isfinite(v_quota.pause_until) THEN public.ingestion_wait_ms(v_now, v_quota.pause_until) ELSE 0 END,
        'stop_reason', v_quota.stop_reason);
END
$$;
