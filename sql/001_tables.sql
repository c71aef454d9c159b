-- Longer than 300 lines: all tables with their indexes, so that one file shows what is stored.
-- Job tracking, 1 of 12: tables and indexes. The contract is docs/tracking.md; I1…I26 are its numbered invariants.
-- Every file may be run again at any time: it then changes nothing, and locks nothing that calls need. All files belong
-- into one transaction, as in `migrate setup` and the text that it prints: the last file closes what the others open.
--
-- Clients never use these tables directly: they call the functions, which lock a row, test it and write it in one short
-- transaction. Row level security is on and has one policy, for the members of ingestion_reader, so that a grant to
-- another role by mistake shows no row.

-- One migration of one source table into one collection.
CREATE TABLE IF NOT EXISTS public.ingestion_job (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    target_key text NOT NULL CHECK (target_key <> ''),
    status text NOT NULL DEFAULT 'pending'
        CHECK (status IN ('pending', 'running', 'paused', 'completed', 'failed', 'cancelled')),
    config_hash text NOT NULL,
    config jsonb NOT NULL,
    -- Settings that all workers of the job share.
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
    -- The controller. The epoch only rises (I11).
    controller_id text,
    controller_epoch integer NOT NULL DEFAULT 0,
    controller_token uuid,
    controller_expires_at timestamptz,
    -- Exact.
    total_batches integer NOT NULL DEFAULT 0,
    total_records bigint NOT NULL DEFAULT 0,
    -- Copies for people, refreshed by everything that changes the job's status, by requeues, and every ten seconds by
    -- its controller and its runners (counted_at); no decision reads them.
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
    finished_at timestamptz
) WITH (autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 50);

-- A batch: an immutable set of records, and the worker that holds it. It may be claimed from `next_retry_at` on.
-- `claim_id` and `last_outcome` stay after the end, until the next claim, so that a repeated finish is recognised.
CREATE TABLE IF NOT EXISTS public.ingestion_batch (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    job_id bigint NOT NULL REFERENCES public.ingestion_job (id) ON DELETE CASCADE,
    batch_number integer NOT NULL CHECK (batch_number >= 0),
    round integer NOT NULL DEFAULT 0,
    record_count integer NOT NULL CHECK (record_count >= 1),
    status text NOT NULL DEFAULT 'pending' CHECK (status IN ('pending', 'processing', 'completed', 'failed')),
    -- The fence: it grows by 1 with each claim and is never lowered (I1, I4).
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
    UNIQUE (job_id, batch_number)
) WITH (fillfactor = 85, autovacuum_vacuum_scale_factor = 0.01, autovacuum_vacuum_threshold = 1000,
    autovacuum_vacuum_cost_delay = 0);

-- There must be no index on lease_expires_at, updated_at or a count (heartbeats would no longer be HOT), nor on status
-- alone (each costs WAL twice per batch and serves no query). Keyed access must not mention status in its WHERE: the
-- planner then prefers a partial index, which is slow while old row versions cannot be vacuumed.

-- The records of a batch, written once: kept in a separate table, because a change of state rewrites the batch's whole
-- row.
CREATE TABLE IF NOT EXISTS public.ingestion_batch_ids (
    job_id bigint NOT NULL,
    batch_number integer NOT NULL,
    record_ids bigint[] NOT NULL,
    PRIMARY KEY (job_id, batch_number),
    FOREIGN KEY (job_id, batch_number) REFERENCES public.ingestion_batch (job_id, batch_number) ON DELETE CASCADE
);
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

-- Signed deltas in 16 shards per job, so that concurrent calls do not wait for one row. A call updates one shard, as
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

-- Events, append-only, written while the row lock is held: exact for each batch, not across batches. No foreign key: it
-- would lock the job's row for every event. One index, in the order of reading: a second one would cost as much WAL as
-- the heartbeat.
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

-- The minute quota of one host, model, organisation and key (as a salted digest), shared by all workers: one row that
-- is updated more often than any other, so nearly empty pages keep its updates HOT.
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

-- A process that works on a job, with its last report. `since` = the beginning of its present state, `until` = the
-- expected end of its wait. Bounded: rows of runners that have left or are silent are deleted when another one appears.
CREATE TABLE IF NOT EXISTS public.ingestion_runner (
    job_id bigint NOT NULL,
    runner text NOT NULL CHECK (length(runner) BETWEEN 1 AND 200),
    host text NOT NULL,
    workers integer NOT NULL,
    held integer NOT NULL, -- batches under its leases
    batches bigint NOT NULL, -- that it has ended since it was started, and their records
    records bigint NOT NULL,
    state text NOT NULL,
    service text,
    reason text CHECK (length(reason) <= 500),
    since timestamptz NOT NULL,
    until timestamptz,
    started_at timestamptz NOT NULL,
    seen timestamptz NOT NULL,
    records_per_minute bigint, -- between the two last marks, which are at least a minute apart
    marked_at timestamptz NOT NULL,
    marked_records bigint NOT NULL,
    PRIMARY KEY (job_id, runner)
) WITH (fillfactor = 50, autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 50);

-- The role that may read the tables and nothing else: dashboards get it (see 011 and docs/operations.md). It is needed
-- before the policies below, and left out if we may not create roles.
DO $$
BEGIN
    IF NOT EXISTS (SELECT 1 FROM pg_catalog.pg_roles WHERE rolname = 'ingestion_reader') THEN
        CREATE ROLE ingestion_reader NOLOGIN;
    END IF;
EXCEPTION
    WHEN insufficient_privilege THEN
        RAISE NOTICE 'there is no role ingestion_reader and no right to create it: dashboards cannot read the tables with it';
    WHEN duplicate_object OR unique_violation THEN
        NULL; -- a concurrent installation has created it
END
$$;

-- The other parts of the tables, and how to see that they are missing. Only missing parts are made: each of these
-- statements locks its table, even if it has nothing to do. A later version adds its columns here, so this also
-- upgrades an older installation.
DO $$
DECLARE
    v_tables constant text[] := ARRAY['ingestion_job', 'ingestion_batch', 'ingestion_batch_ids', 'ingestion_failure',
        'ingestion_counter', 'ingestion_event', 'ingestion_quota', 'ingestion_runner'];
    v_views constant text[] := ARRAY['ingestion_batch_full', 'ingestion_progress', 'ingestion_workers',
        'ingestion_failure_groups'];
    v_missing text[];
    v_locks text;
    v_timeout text := current_setting('lock_timeout');
BEGIN
    SELECT array_agg(w.statement ORDER BY w.place) INTO v_missing
    FROM (
        SELECT m.place, CASE m.kind
            WHEN 'column' THEN format('ALTER TABLE public.%I ADD COLUMN %I %s', m.relation, m.name, m.definition)
            WHEN 'index' THEN format('CREATE INDEX %I ON public.%I %s', m.name, m.relation, m.definition)
            WHEN 'unique index' THEN format('CREATE UNIQUE INDEX %I ON public.%I %s', m.name, m.relation, m.definition)
            WHEN 'unanalysed' THEN format('ALTER TABLE public.%I ALTER COLUMN %I SET STATISTICS 0', m.relation, m.name)
            END AS statement,
            CASE m.kind
            WHEN 'column' THEN a.attnum IS NULL
            WHEN 'unanalysed' THEN a.attstattarget IS DISTINCT FROM 0
            ELSE to_regclass(format('public.%I', m.name)) IS NULL END AS is_missing
        FROM (VALUES
            -- Version 2. The servers that the job has used, by kind ('source', 'points', 'embedder'), as sorted sets.
            -- Not part of the configuration hash: a server may move, and then a person says so.
            (1, 'column', 'ingestion_job', 'servers', 'jsonb NOT NULL DEFAULT ''{}'''),
            -- The token of the call that opened the job: such a call opens at most one job, however late it is repeated
            -- (I27).
            (2, 'column', 'ingestion_job', 'opened_token', 'uuid'),
            -- The counters of the brakes at the time when the job was last resumed or requeued: the brakes count from
            -- there.
            (3, 'column', 'ingestion_job', 'service_failures_baseline', 'bigint NOT NULL DEFAULT 0'),
            (4, 'column', 'ingestion_job', 'removed_baseline', 'bigint NOT NULL DEFAULT 0'),
            -- Both only rise: records given up for reasons outside their content, and records whose points were deleted
            -- because the record is gone or blank.
            (5, 'column', 'ingestion_counter', 'service_failures', 'bigint NOT NULL DEFAULT 0'),
            (6, 'column', 'ingestion_counter', 'removed', 'bigint NOT NULL DEFAULT 0'),
            -- Version 4. What the ends of attempts report as paid: tokens as the embedder billed them, and their price
            -- at that time, in billionths of a dollar, so that nothing is rounded away.
            (7, 'column', 'ingestion_counter', 'billed_tokens', 'bigint NOT NULL DEFAULT 0'),
            (8, 'column', 'ingestion_counter', 'billed_nanodollars', 'bigint NOT NULL DEFAULT 0'),
            -- When the copies of the counters were last refreshed.
            (9, 'column', 'ingestion_job', 'counted_at', 'timestamptz'),
            -- Events up to this moment, including this event, are deleted (010).
            (10, 'column', 'ingestion_job', 'history_cut_at', 'timestamptz'),
            (11, 'column', 'ingestion_job', 'history_cut_id', 'bigint'),
            -- The progress of the job's deletion; not NULL from its first page on, and then the job is `cancelled`.
            (12, 'column', 'ingestion_job', 'deletion', 'jsonb'),
            -- One open job per target (I11).
            (11, 'unique index', 'ingestion_job', 'ingestion_job_open',
                '(target_key) WHERE status IN (''pending'', ''running'', ''paused'')'),
            (12, 'unique index', 'ingestion_job', 'ingestion_job_opened_token', '(target_key, opened_token)'),
            -- The claim, in order; a backoff is the end of the range, not a filter (I26).
            (13, 'index', 'ingestion_batch', 'ingestion_batch_claimable',
                '(job_id, next_retry_at, batch_number) WHERE status = ''pending'''),
            -- A repeated claim, the reaper, "is anything in flight?".
            (14, 'index', 'ingestion_batch', 'ingestion_batch_in_flight',
                '(job_id, claimed_at, claim_id) WHERE status = ''processing'''),
            -- Requeues and lists.
            (15, 'index', 'ingestion_batch', 'ingestion_batch_given_up', '(job_id, batch_number) WHERE status = ''failed'''),
            (16, 'index', 'ingestion_failure', 'ingestion_failure_batch', '(job_id, batch_number)'),
            -- Version 4. Requeues of records, page by page.
            (17, 'index', 'ingestion_failure', 'ingestion_failure_open', '(job_id, record_id) WHERE resolved_at IS NULL'),
            -- No query searches in the records. Statistics of their elements would take ANALYZE a second or more, and
            -- during that time no old row version can be removed: heartbeats would stop being HOT.
            (21, 'unanalysed', 'ingestion_batch_ids', 'record_ids', NULL)
        ) m (place, kind, relation, name, definition)
        LEFT JOIN pg_attribute a ON a.attrelid = to_regclass(format('public.%I', m.relation)) AND a.attname = m.name
            AND NOT a.attisdropped
        UNION ALL
        -- The server's error for an UPDATE by hand shows only the name of the violated constraint, so the name says
        -- which command does what was meant, and counts it. NOT VALID: every write is tested all the same, and no
        -- upgrade reads a large table while it is locked, or fails at a row that was changed by hand long ago.
        SELECT 22, format('ALTER TABLE public.%I ADD CONSTRAINT %I CHECK (%s) NOT VALID', k.relation, k.name, k.condition),
            NOT EXISTS (SELECT 1 FROM pg_constraint c
                WHERE c.conrelid = to_regclass(format('public.%I', k.relation)) AND c.conname = k.name)
        FROM (VALUES
            ('ingestion_job', 'use_migrate_cancel_or_retry_not_sql',
                $c$(status IN ('completed', 'failed', 'cancelled')) = (finished_at IS NOT NULL)$c$),
            -- Only a counted end leaves an outcome: it is NULL as long as the batch is at work.
            ('ingestion_batch', 'use_migrate_release_not_sql',
                $c$(status = 'processing') = (lease_expires_at IS NOT NULL)
                AND (status = 'processing') = (deadline_at IS NOT NULL)
                AND (status <> 'processing' OR (claim_id IS NOT NULL AND worker_id IS NOT NULL AND claimed_at IS NOT NULL))
                AND (status = 'processing' OR attempt = 0 OR last_outcome IS NOT NULL)$c$),
            -- I7; and a waiting batch has no counts.
            ('ingestion_batch', 'use_migrate_retry_not_sql',
                $c$(status IN ('completed', 'failed')) = (finished_at IS NOT NULL)
                AND (status <> 'pending' OR (processed_count, skipped_count, failed_count, missing_count, moved_count)
                    = (0, 0, 0, 0, 0))
                AND retry_count BETWEEN 0 AND attempt$c$),
            -- I13
            ('ingestion_batch', 'use_migrate_repair_counters_not_sql',
                $c$finished_at IS NULL
                OR processed_count + skipped_count + failed_count + missing_count + moved_count = record_count$c$)
        ) k (relation, name, condition)
        UNION ALL
        -- The same without a helpful name: versions 1 to 3.
        SELECT 23, format('ALTER TABLE %s DROP CONSTRAINT %I', c.conrelid::regclass, c.conname), true
        FROM pg_constraint c
        WHERE c.contype = 'c' AND (c.conrelid = to_regclass('public.ingestion_job') AND c.conname = 'ingestion_job_check'
            OR c.conrelid = to_regclass('public.ingestion_batch') AND c.conname IN ('ingestion_batch_check',
                'ingestion_batch_check1', 'ingestion_batch_check2', 'ingestion_batch_check3', 'ingestion_batch_check4',
                'ingestion_batch_sum'))
        UNION ALL
        -- Not together with its table: it locks the jobs, and calls have locked other tables before them.
        SELECT 24, 'ALTER TABLE public.ingestion_runner ADD CONSTRAINT ingestion_runner_job_id_fkey FOREIGN KEY (job_id) '
            || 'REFERENCES public.ingestion_job (id) ON DELETE CASCADE',
            NOT EXISTS (SELECT 1 FROM pg_constraint c WHERE c.conrelid = to_regclass('public.ingestion_runner')
                AND c.conname = 'ingestion_runner_job_id_fkey')
        UNION ALL
        SELECT 31, format('ALTER TABLE public.%I ENABLE ROW LEVEL SECURITY', t.name), NOT c.relrowsecurity
        FROM unnest(v_tables) t (name) JOIN pg_class c ON c.oid = to_regclass(format('public.%I', t.name))
        UNION ALL
        -- The only policy: members of the reading role see every row. Other roles with a grant see none.
        SELECT 32, format('CREATE POLICY ingestion_reader ON public.%I FOR SELECT TO ingestion_reader USING (true)', t.name),
            r.oid IS NOT NULL AND NOT EXISTS (SELECT 1 FROM pg_policy p
                WHERE p.polrelid = to_regclass(format('public.%I', t.name)) AND p.polname = 'ingestion_reader')
        FROM unnest(v_tables) t (name) LEFT JOIN pg_roles r ON r.rolname = 'ingestion_reader'
        UNION ALL
        -- For people: a batch with its records. A view takes new columns at its end only, so the columns are named
        -- here, and columns of later versions come after record_ids.
        SELECT 41, 'CREATE OR REPLACE VIEW public.ingestion_batch_full WITH (security_invoker = true) AS SELECT '
            || string_agg(CASE v.name WHEN 'record_ids' THEN 'i.record_ids'
                WHEN 'start_id' THEN 'i.record_ids[1] AS start_id'
                WHEN 'end_id' THEN 'i.record_ids[cardinality(i.record_ids)] AS end_id'
                ELSE 'b.' || v.name END, ', ' ORDER BY v.place)
            || ' FROM public.ingestion_batch b JOIN public.ingestion_batch_ids i USING (job_id, batch_number)',
            bool_or(a.attnum IS NULL)
        FROM unnest(ARRAY['id', 'job_id', 'batch_number', 'round', 'record_count', 'status', 'attempt', 'retry_count',
            'next_retry_at', 'claim_id', 'worker_id', 'claimed_at', 'lease_expires_at', 'deadline_at', 'processed_count',
            'skipped_count', 'failed_count', 'missing_count', 'moved_count', 'last_outcome', 'error_code', 'error_message',
            'created_at', 'updated_at', 'finished_at', 'record_ids', 'start_id', 'end_id']) WITH ORDINALITY v (name, place)
        LEFT JOIN pg_attribute a ON a.attrelid = to_regclass('public.ingestion_batch_full') AND a.attname = v.name
    ) w
    WHERE w.is_missing;
    IF v_missing IS NULL THEN
        RETURN;
    END IF;

    -- All tables at once, before anything else of them is locked, and each try is shorter than the second after which
    -- the server looks for deadlocks: a transaction that waits for a call that waits for us gives way, and no call is
    -- ended because of us.
    SELECT string_agg(format('public.%I', l.name), ', ' ORDER BY l.place) INTO v_locks
    FROM unnest(v_views || v_tables) WITH ORDINALITY l (name, place)
    WHERE to_regclass(format('public.%I', l.name)) IS NOT NULL;
    PERFORM set_config('lock_timeout', '200ms', true);
    FOR v_try IN 1..60 LOOP
        BEGIN
            EXECUTE format('LOCK TABLE %s IN ACCESS EXCLUSIVE MODE', v_locks);
            EXIT;
        EXCEPTION WHEN lock_not_available THEN
            IF v_try = 60 THEN
                RAISE EXCEPTION USING ERRCODE = '55P03', MESSAGE = 'another program has been using the tables of the job tracking '
                    || 'for 20 seconds, a backup or an open transaction: nothing was changed; try again later';
            END IF;
            PERFORM pg_sleep(0.05 + 0.2 * random()); -- the calls that waited for us come first
        END;
    END LOOP;
    PERFORM set_config('lock_timeout', v_timeout, true);
    FOR i IN 1..cardinality(v_missing) LOOP
        EXECUTE v_missing[i];
    END LOOP;
END
$$;
