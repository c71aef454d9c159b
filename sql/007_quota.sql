-- Job tracking, 7 of 12: the minute quota that all workers share (I22), as a generic cell rate algorithm: two theoretical
-- arrival times, one for tokens and one for requests, instead of a bucket. A share of 0.975 of the limits and a burst of
-- 0.2 s, with requests of at most 1.2 % of the minute, keep every rolling 60 s below the limits.

-- The share in force: the share after the last cut, which recovers by 0.001 per second; with time, not with calls.
CREATE OR REPLACE FUNCTION public.ingestion_share(p_quota public.ingestion_quota, p_now timestamptz)
RETURNS double precision
LANGUAGE sql IMMUTABLE SET search_path = pg_catalog, pg_temp AS $$
    SELECT CASE WHEN isfinite(p_quota.cut_at)
        THEN least(0.975, p_quota.share
            + greatest(0, extract(epoch FROM p_now - p_quota.cut_at)::double precision) * 0.001::double precision)
        ELSE least(0.975, p_quota.share) END
$$;

-- How far ahead a pause or a reservation may reach: a wrong limit, or a server that asks for days, must not make
-- runners wait longer. A later time, from an older program or after a jump of the clock, is pulled back.
CREATE OR REPLACE FUNCTION public.ingestion_quota_horizon(p_now timestamptz) RETURNS timestamptz
LANGUAGE sql IMMUTABLE SET search_path = pg_catalog, pg_temp AS $$ SELECT p_now + interval '10 minutes' $$;

-- The row without anything beyond that.
CREATE OR REPLACE FUNCTION public.ingestion_quota_within(p_quota public.ingestion_quota, p_horizon timestamptz)
RETURNS public.ingestion_quota
LANGUAGE plpgsql IMMUTABLE SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    p_quota.tokens_arrival_at := least(p_quota.tokens_arrival_at, p_horizon);
    p_quota.requests_arrival_at := least(p_quota.requests_arrival_at, p_horizon);
    p_quota.pause_until := least(p_quota.pause_until, p_horizon);
    RETURN p_quota;
END
$$;

-- Reserves tokens and one request. A wait above the maximum is refused and not charged; an unknown quota grants
-- everything and says so (`unknown`). A repeated call charges twice: that can waste capacity, but never overspend. The
-- commit does not wait for the disk: a crash of the database may lose less than a second of reservations.
CREATE OR REPLACE FUNCTION public.reserve_quota(p_quota text, p_cost bigint, p_max_wait_ms bigint) RETURNS jsonb
LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = pg_catalog, pg_temp SET lock_timeout = '2s' AS $$
DECLARE
    v_quota public.ingestion_quota;
    v_now timestamptz;
    v_share double precision;
    v_open timestamptz;
    v_tokens timestamptz;
    v_requests timestamptz;
    v_wait bigint;
    v_horizon timestamptz;
BEGIN
    PERFORM public.ingestion_require_read_committed();
    PERFORM public.ingestion_require(p_cost >= 0 AND p_max_wait_ms >= 0, 'cost and max_wait_ms are never negative');
    -- In the transaction: a SET clause of the function would be undone before the commit.
    PERFORM set_config('synchronous_commit', 'off', true);
    SELECT * INTO v_quota FROM public.ingestion_quota WHERE quota = p_quota FOR UPDATE;
    IF NOT FOUND THEN
        RETURN jsonb_build_object('granted', true, 'wait_ms', 0, 'stop_reason', NULL, 'unknown', true);
    ELSIF v_quota.stop_reason IS NOT NULL THEN
        RETURN jsonb_build_object('granted', false, 'wait_ms', 0, 'stop_reason', v_quota.stop_reason);
    END IF;
    v_now := public.ingestion_clock(); -- after the wait for the row
    v_share := public.ingestion_share(v_quota, v_now);
    v_horizon := public.ingestion_quota_horizon(v_now);
    IF greatest(v_quota.tokens_arrival_at, v_quota.requests_arrival_at, v_quota.pause_until) > v_horizon THEN
        v_quota := public.ingestion_quota_within(v_quota, v_horizon);
        UPDATE public.ingestion_quota SET tokens_arrival_at = v_quota.tokens_arrival_at,
            requests_arrival_at = v_quota.requests_arrival_at, pause_until = v_quota.pause_until
        WHERE quota = p_quota;
    END IF;
    v_open := greatest(v_now, v_quota.pause_until); -- what waited for a pause is paced after it, too
    v_tokens := greatest(v_quota.tokens_arrival_at, v_open - v_quota.burst);
    v_requests := greatest(v_quota.requests_arrival_at, v_open - v_quota.burst);
    v_wait := public.ingestion_wait_ms(v_now, greatest(v_open,
        CASE WHEN v_quota.tokens_per_minute > 0 THEN v_tokens END,
        CASE WHEN v_quota.requests_per_minute > 0 THEN v_requests END));
    IF v_wait > p_max_wait_ms THEN
        RETURN jsonb_build_object('granted', false, 'wait_ms', v_wait, 'stop_reason', NULL);
    END IF;
    -- Whole microseconds, rounded up: many small requests together never exceed the limit.
    UPDATE public.ingestion_quota SET
        tokens_arrival_at = CASE WHEN tokens_per_minute > 0 THEN least(v_horizon, v_tokens + interval '1 microsecond'
            * least(ceil(p_cost * unit_factor * 60000000 / (tokens_per_minute * v_share)), 1e9)) ELSE tokens_arrival_at END,
        requests_arrival_at = CASE WHEN requests_per_minute > 0 THEN least(v_horizon, v_requests + interval '1 microsecond'
            * ceil(60000000 / (requests_per_minute * v_share))) ELSE requests_arrival_at END
    WHERE quota = p_quota;
    RETURN jsonb_build_object('granted', true, 'wait_ms', v_wait, 'stop_reason', NULL);
END
$$;

-- Shares with all workers what one of them has learned. A pause only moves later; the share is cut once per pause, so
-- that five workers that see the same refusal cut it once. When a person starts again (`resumed`), a stop ends, and so
-- does a pause or a reservation of more than two minutes: correct limits never cause such a long one.
CREATE OR REPLACE FUNCTION public.report_quota(p_quota text, p_report jsonb) RETURNS jsonb
LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = pg_catalog, pg_temp SET lock_timeout = '2s' AS $$
DECLARE
    v_quota public.ingestion_quota;
    v_now timestamptz;
    v_throttled bigint := (p_report ->> 'throttled_ms')::bigint;
    v_long constant interval := '2 minutes';
BEGIN
    PERFORM public.ingestion_require_read_committed();
    PERFORM public.ingestion_require(p_quota <> '' AND jsonb_typeof(p_report) = 'object', 'quota and report are required');
    PERFORM public.ingestion_require(coalesce((p_report ->> 'tokens_per_minute')::bigint, 0) >= 0
        AND coalesce((p_report ->> 'requests_per_minute')::bigint, 0) >= 0 AND coalesce(v_throttled, 0) >= 0,
        'limits and waits are never negative');
    INSERT INTO public.ingestion_quota (quota) VALUES (p_quota) ON CONFLICT (quota) DO NOTHING;
    SELECT * INTO v_quota FROM public.ingestion_quota WHERE quota = p_quota FOR UPDATE;
    v_now := public.ingestion_clock();
    v_quota := public.ingestion_quota_within(v_quota, public.ingestion_quota_horizon(v_now));
    IF (p_report ->> 'resumed')::boolean THEN
        IF v_quota.tokens_arrival_at > v_now + v_long THEN v_quota.tokens_arrival_at := v_now; END IF;
        IF v_quota.requests_arrival_at > v_now + v_long THEN v_quota.requests_arrival_at := v_now; END IF;
        IF v_quota.pause_until > v_now + v_long THEN v_quota.pause_until := v_now; END IF;
    END IF;
    IF v_throttled IS NOT NULL THEN
        IF v_now >= v_quota.pause_until AND v_now >= v_quota.cut_at + interval '1 second' THEN
            v_quota.share := greatest(0.6, public.ingestion_share(v_quota, v_now) * 0.985);
            v_quota.cut_at := v_now;
        END IF;
        v_quota.pause_until := greatest(v_quota.pause_until, least(public.ingestion_quota_horizon(v_now),
            v_now + make_interval(secs => least(v_throttled, 1000000) / 1000.0)));
    END IF;
    UPDATE public.ingestion_quota SET
        tokens_per_minute = coalesce((p_report ->> 'tokens_per_minute')::bigint, tokens_per_minute),
        requests_per_minute = coalesce((p_report ->> 'requests_per_minute')::bigint, requests_per_minute),
        share = v_quota.share, cut_at = v_quota.cut_at, pause_until = v_quota.pause_until,
        tokens_arrival_at = v_quota.tokens_arrival_at, requests_arrival_at = v_quota.requests_arrival_at,
        stop_reason = CASE WHEN (p_report ->> 'resumed')::boolean THEN p_report ->> 'stop_reason'
            ELSE coalesce(left(p_report ->> 'stop_reason', 500), stop_reason) END
    WHERE quota = p_quota RETURNING * INTO v_quota;
    RETURN jsonb_build_object('tokens_per_minute', v_quota.tokens_per_minute,
        'requests_per_minute', v_quota.requests_per_minute, 'share', public.ingestion_share(v_quota, v_now),
        'pause_ms', CASE WHEN isfinite(v_quota.pause_until) THEN public.ingestion_wait_ms(v_now, v_quota.pause_until) ELSE 0 END,
        'stop_reason', v_quota.stop_reason);
END
$$;

-- The quotas by name (`QuotaSummary`), page by page.
CREATE OR REPLACE FUNCTION public.list_ingestion_quotas(p_after text, p_limit integer) RETURNS jsonb
LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = pg_catalog, pg_temp SET lock_timeout = '2s' AS $$
DECLARE
    v_now timestamptz := public.ingestion_clock();
BEGIN
    PERFORM public.ingestion_require(p_limit BETWEEN 1 AND 1000, 'limit must be 1…1000');
    RETURN (
        SELECT jsonb_build_object(
            'rows', coalesce(jsonb_agg(jsonb_build_object(
                'quota', s.quota, 'tokens_per_minute', s.tokens_per_minute,
                'requests_per_minute', s.requests_per_minute, 'share', s.share_now,
                'pause_ms', CASE WHEN isfinite(s.pause_until) THEN public.ingestion_wait_ms(v_now, s.pause_until) ELSE 0 END,
                'reserved_ms', CASE WHEN isfinite(s.ahead) THEN public.ingestion_wait_ms(v_now, s.ahead) ELSE 0 END,
                'stop_reason', s.stop_reason)
                ORDER BY s.n) FILTER (WHERE s.n <= p_limit), '[]'),
            'next', CASE WHEN count(*) > p_limit THEN max(s.quota COLLATE pg_catalog."C") FILTER (WHERE s.n <= p_limit) END)
        FROM (
            SELECT q.*, public.ingestion_share(q, v_now) AS share_now,
                greatest(q.tokens_arrival_at, q.requests_arrival_at) AS ahead,
                row_number() OVER (ORDER BY q.quota COLLATE pg_catalog."C") AS n
            FROM public.ingestion_quota q
            WHERE p_after IS NULL OR q.quota COLLATE pg_catalog."C" > p_after
            ORDER BY q.quota COLLATE pg_catalog."C" LIMIT p_limit + 1
        ) s
    );
END
$$;

-- Deletes everything that is known about a quota: limits, pause, reservations and stop. A runner at work learns that
-- with its next reservation, and reports its limits again.
CREATE OR REPLACE FUNCTION public.reset_ingestion_quota(p_quota text) RETURNS jsonb
LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = pg_catalog, pg_temp SET lock_timeout = '2s' AS $$
BEGIN
    PERFORM public.ingestion_require_read_committed();
    DELETE FROM public.ingestion_quota WHERE quota = p_quota;
    RETURN jsonb_build_object('result', CASE WHEN FOUND THEN 'reset' ELSE 'not_found' END);
END
$$;
