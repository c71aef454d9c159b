-- Job tracking, 1 of 9: tables and indexes. The contract is docs/tracking.md; I1…I26 are its numbered invariants.
-- Every file may be run again at any time: it then changes nothing.
--
-- Clients never touch these tables: they call the functions, which lock a row, test it and write it in one short
-- transaction. Row level security is on and has no policy, so that a grant given by mistake shows no row either.

-- One migration of one source table into one collection.
CREATE TABLE IF NOT EXISTS public.ingestion_job (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    target_key text NOT NULL CHECK (target_key <> ''),
    status text NOT NULL DEFAULT 'pending'
        CHECK (status IN ('pending', 'running', 'paused', 'completed', 'failed', 'cancelled')),
    config_hash text NOT NULL,
    config jsonb NOT NULL,
    -- What all workers of the job must agree on.
    max_retries integer NOT NULL DEFAULT 3 CHECK (max_retries >= 0),
    lease_seconds integer NOT NULL DEFAULT 120 CHECK (lease_seconds > 0),
    batch_timeout_seconds integer NOT NULL DEFAULT 600 CHECK (batch_timeout_seconds > 0),
    backoff_base_seconds integer NOT NULL DEFAULT 30 CHECK (backoff_base_seconds >= 0),
    backoff_cap_seconds integer NOT NULL DEFAULT 1800 CHECK (backoff_cap_seconds >= 0),
    record_events boolean NOT NULL DEFAULT true,
    -- The plan: an exact prefix of the source order up to the cursor (I12). A NULL cursor is before everything, so that
    -- id 0 and negative ids can be planned.
    plan_cursor bigint,
    plan_upper bigint,
    plan_sealed_at timestamptz,
    source_count bigint,
    next_batch_number integer NOT NULL DEFAULT 0,
    -- Who plans. The epoch only rises (I11).
    controller_id text,
    controller_epoch integer NOT NULL DEFAULT 0,
    controller_token uuid,
    controller_expires_at timestamptz,
    -- Exact.
    total_batches integer NOT NULL DEFAULT 0,
    total_records bigint NOT NULL DEFAULT 0,
    -- Copies for people, refreshed by renew_controller and finalize_ingestion_job; no decision reads them.
    completed_batches integer NOT NULL DEFAULT 0,
    failed_batches integer NOT NULL DEFAULT 0,
    processed_records bigint NOT NULL DEFAULT 0,
    skipped_records bigint NOT NULL DEFAULT 0,
    failed_records bigint NOT NULL DEFAULT 0,
    missing_records bigint NOT NULL DEFAULT 0,
    -- Requeues: the highest round made, and the last request with its answer, so that a repeat is recognised (I10).
    current_round integer NOT NULL DEFAULT 0,
    last_request_id uuid,
    last_request_result jsonb,
    reason text,
    -- `start_time` and `end_time`.
    metadata jsonb NOT NULL DEFAULT '{}',
    created_at timestamptz NOT NULL DEFAULT now(),
    updated_at timestamptz NOT NULL DEFAULT now(),
    finished_at timestamptz,
    CHECK ((status IN ('completed', 'failed', 'cancelled')) = (finished_at IS NOT NULL))
) WITH (autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 50);

-- One open job per target (I11).
CREATE UNIQUE INDEX IF NOT EXISTS ingestion_job_open ON public.ingestion_job (target_key)
    WHERE status IN ('pending', 'running', 'paused');

-- A batch: an immutable set of records, and who works on it. `next_retry_at` is the time from which it may be claimed.
-- `claim_id` and `last_outcome` stay after the end, so that a repeated finish is recognised.
CREATE TABLE IF NOT EXISTS public.ingestion_batch (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    job_id bigint NOT NULL REFERENCES public.ingestion_job (id) ON DELETE CASCADE,
    batch_number integer NOT NULL CHECK (batch_number >= 0),
    round integer NOT NULL DEFAULT 0,
    record_count integer NOT NULL CHECK (record_count >= 1),
    status text NOT NULL DEFAULT 'pending' CHECK (status IN ('pending', 'processing', 'completed', 'failed')),
    -- The fence: +1 at each claim, never lowered (I1, I4).
    attempt integer NOT NULL DEFAULT 0,
    retry_count integer NOT NULL DEFAULT 0,
    next_retry_at timestamptz NOT NULL DEFAULT now(),
    claim_id uuid,
    worker_id text,
    claimed_at timestamptz,
    lease_expires_at timestamptz,
    deadline_at timestamptz,
    -- Absolute: of the running attempt while processing, final afterwards.
    processed_count integer NOT NULL DEFAULT 0 CHECK (processed_count >= 0),
    skipped_count integer NOT NULL DEFAULT 0 CHECK (skipped_count >= 0),
    failed_count integer NOT NULL DEFAULT 0 CHECK (failed_count >= 0),
    missing_count integer NOT NULL DEFAULT 0 CHECK (missing_count >= 0),
    moved_count integer NOT NULL DEFAULT 0 CHECK (moved_count >= 0),
    last_outcome text CHECK (last_outcome IN ('completed', 'failed', 'release', 'defer', 'reaped')),
    error_code text,
    error_message text CHECK (length(error_message) <= 500),
    created_at timestamptz NOT NULL DEFAULT now(),
    updated_at timestamptz NOT NULL DEFAULT now(),
    finished_at timestamptz,
    UNIQUE (job_id, batch_number),
    CHECK ((status = 'processing') = (lease_expires_at IS NOT NULL)),
    CHECK ((status = 'processing') = (deadline_at IS NOT NULL)),
    CHECK (status <> 'processing' OR (claim_id IS NOT NULL AND worker_id IS NOT NULL AND claimed_at IS NOT NULL)),
    CHECK ((status IN ('completed', 'failed')) = (finished_at IS NOT NULL)),
    CHECK (retry_count BETWEEN 0 AND attempt), -- I7
    -- I13
    CONSTRAINT ingestion_batch_sum CHECK (status NOT IN ('completed', 'failed')
        OR processed_count + skipped_count + failed_count + missing_count + moved_count = record_count)
) WITH (fillfactor = 85, autovacuum_vacuum_scale_factor = 0.01, autovacuum_vacuum_threshold = 1000,
    autovacuum_vacuum_cost_delay = 0);

-- The claim, in order; a backoff is the end of the range, not a filter (I26).
CREATE INDEX IF NOT EXISTS ingestion_batch_claimable ON public.ingestion_batch (job_id, next_retry_at, batch_number)
    WHERE status = 'pending';
-- A repeated claim, the reaper, "is anything in flight?".
CREATE INDEX IF NOT EXISTS ingestion_batch_in_flight ON public.ingestion_batch (job_id, claimed_at, claim_id)
    WHERE status = 'processing';
-- Requeues and lists.
CREATE INDEX IF NOT EXISTS ingestion_batch_given_up ON public.ingestion_batch (job_id, batch_number)
    WHERE status = 'failed';
-- There must be no index on lease_expires_at, updated_at or a count (heartbeats would no longer be HOT), nor on status
-- alone (each costs WAL twice per batch and serves no query). Keyed access must not mention status in its WHERE: the
-- planner then prefers a partial index, which is slow while old row versions cannot be vacuumed.

-- The records of a batch, written once: kept apart, because a change of state rewrites the whole row of its batch.
CREATE TABLE IF NOT EXISTS public.ingestion_batch_ids (
    job_id bigint NOT NULL,
    batch_number integer NOT NULL,
    record_ids bigint[] NOT NULL,
    PRIMARY KEY (job_id, batch_number),
    FOREIGN KEY (job_id, batch_number) REFERENCES public.ingestion_batch (job_id, batch_number) ON DELETE CASCADE
);
-- Nobody searches in the records. Statistics of their elements would take ANALYZE a second or more, and while it works no
-- old row version can be removed: heartbeats would stop being HOT.
ALTER TABLE public.ingestion_batch_ids ALTER COLUMN record_ids SET STATISTICS 0;

-- For people: a batch with its records.
CREATE OR REPLACE VIEW public.ingestion_batch_full WITH (security_invoker = true) AS
SELECT b.*, i.record_ids
FROM public.ingestion_batch b
JOIN public.ingestion_batch_ids i USING (job_id, batch_number);

-- Dead letters: one row for each record that was given up (I16). Open while resolved_at is NULL. Never any record text.
CREATE TABLE IF NOT EXISTS public.ingestion_failure (
    job_id bigint NOT NULL,
    record_id bigint NOT NULL,
    batch_number integer NOT NULL,
    attempt integer NOT NULL,
    stage text NOT NULL CHECK (stage IN ('fetch', 'decode', 'chunk', 'embed', 'upsert', 'batch')),
    code text NOT NULL,
    message text NOT NULL CHECK (length(message) <= 500),
    permanent boolean NOT NULL,
    first_at timestamptz NOT NULL,
    last_at timestamptz NOT NULL,
    times integer NOT NULL DEFAULT 1,
    resolved_at timestamptz,
    PRIMARY KEY (job_id, record_id)
);
CREATE INDEX IF NOT EXISTS ingestion_failure_batch ON public.ingestion_failure (job_id, batch_number);

-- Signed deltas in 16 shards a job, so that calls at the same time do not queue for one row. A call updates one shard, as
-- its last write. The sums equal a recount of the tables (I15).
CREATE TABLE IF NOT EXISTS public.ingestion_counter (
    job_id bigint NOT NULL,
    shard smallint NOT NULL CHECK (shard BETWEEN 0 AND 15),
    completed_batches bigint NOT NULL DEFAULT 0,
    failed_batches bigint NOT NULL DEFAULT 0,
    in_flight bigint NOT NULL DEFAULT 0,
    processed bigint NOT NULL DEFAULT 0,
    skipped bigint NOT NULL DEFAULT 0,
    failed bigint NOT NULL DEFAULT 0,
    missing bigint NOT NULL DEFAULT 0,
    claims bigint NOT NULL DEFAULT 0,
    retries bigint NOT NULL DEFAULT 0,
    reaps bigint NOT NULL DEFAULT 0,
    releases bigint NOT NULL DEFAULT 0,
    defers bigint NOT NULL DEFAULT 0,
    PRIMARY KEY (job_id, shard)
) WITH (fillfactor = 50, autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 50);

-- History, append-only, written while the row lock is held: exact for each batch, not across batches. No foreign key: it
-- would lock the job's row for every event. One index, in the order in which it is read: a second one would cost as much
-- WAL as the heartbeat.
CREATE TABLE IF NOT EXISTS public.ingestion_event (
    id bigint GENERATED ALWAYS AS IDENTITY,
    at timestamptz NOT NULL,
    job_id bigint NOT NULL,
    batch_number integer,
    attempt integer,
    claim_id uuid,
    worker_id text,
    kind text NOT NULL,
    detail jsonb NOT NULL DEFAULT '{}',
    PRIMARY KEY (job_id, id)
);

-- The minute quota of one provider, model and organisation, shared by all workers: one row, the hottest of all, so
-- nearly empty pages keep its updates HOT.
CREATE TABLE IF NOT EXISTS public.ingestion_quota (
    quota text PRIMARY KEY,
    tokens_per_minute bigint NOT NULL DEFAULT 0, -- 0 = unknown: not paced
    requests_per_minute bigint NOT NULL DEFAULT 0,
    share double precision NOT NULL DEFAULT 0.975, -- of the limits, when it was last cut
    unit_factor double precision NOT NULL DEFAULT 1, -- what the provider charges for one token of ours
    burst interval NOT NULL DEFAULT '200 milliseconds',
    tokens_arrival_at timestamptz NOT NULL DEFAULT '-infinity', -- the two theoretical arrival times (GCRA)
    requests_arrival_at timestamptz NOT NULL DEFAULT '-infinity',
    pause_until timestamptz NOT NULL DEFAULT '-infinity',
    cut_at timestamptz NOT NULL DEFAULT '-infinity',
    stop_reason text
) WITH (fillfactor = 10, autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 50);

ALTER TABLE public.ingestion_job ENABLE ROW LEVEL SECURITY;
ALTER TABLE public.ingestion_batch ENABLE ROW LEVEL SECURITY;
ALTER TABLE public.ingestion_batch_ids ENABLE ROW LEVEL SECURITY;
ALTER TABLE public.ingestion_failure ENABLE ROW LEVEL SECURITY;
ALTER TABLE public.ingestion_counter ENABLE ROW LEVEL SECURITY;
ALTER TABLE public.ingestion_event ENABLE ROW LEVEL SECURITY;
ALTER TABLE public.ingestion_quota ENABLE ROW LEVEL SECURITY;
