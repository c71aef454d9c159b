-- Job tracking in one SQLite file, 1 of 8: tables and indexes. The contract is docs/tracking.md; I1…I32 are its invariants.
-- Every statement may be run again at any time: it then changes nothing.
--
-- Two clocks (docs/decisions/014). Columns whose comment says "lease clock" count microseconds of a clock that only goes
-- forward: the machine's time since its start, plus the offset in ingestion_store. Decisions read only these. All other
-- times are of the wall clock, as ISO 8601 in UTC, and for people; only finished_at is a number, for `migrate prune`.
--
-- SQLite allows one writer at a time, and each call is one transaction that is a writer from its beginning. So there are
-- no locks to take, no rows to skip, and one row of counters for a job.

-- Which boot of which machine uses the file (one row).
CREATE TABLE IF NOT EXISTS ingestion_store (
    id INTEGER PRIMARY KEY CHECK (id = 1),
    boot_id TEXT NOT NULL,
    machine_id TEXT NOT NULL, -- empty = unknown
    clock_offset INTEGER NOT NULL, -- the lease clock minus the time since this boot began
    seen_at INTEGER NOT NULL, -- lease clock of about the last write, and the wall clock at that moment
    seen_wall INTEGER NOT NULL
) STRICT;

CREATE TABLE IF NOT EXISTS ingestion_job (
    id INTEGER PRIMARY KEY AUTOINCREMENT, -- a number is never used twice
    target_key TEXT NOT NULL CHECK (target_key <> ''),
    status TEXT NOT NULL DEFAULT 'pending'
        CHECK (status IN ('pending', 'running', 'paused', 'completed', 'failed', 'cancelled')),
    config_hash TEXT NOT NULL,
    config TEXT NOT NULL, -- JSON
    servers TEXT NOT NULL DEFAULT '{}', -- JSON
    opened_token TEXT NOT NULL, -- one job at most for one token (I27)
    max_retries INTEGER NOT NULL,
    lease_seconds INTEGER NOT NULL,
    batch_timeout_seconds INTEGER NOT NULL,
    backoff_base_seconds INTEGER NOT NULL,
    backoff_cap_seconds INTEGER NOT NULL,
    record_events INTEGER NOT NULL,
    plan_cursor INTEGER, -- NULL = before everything (I12)
    plan_upper INTEGER,
    is_sealed INTEGER NOT NULL DEFAULT 0,
    source_count INTEGER,
    next_batch_number INTEGER NOT NULL DEFAULT 0,
    total_batches INTEGER NOT NULL DEFAULT 0,
    total_records INTEGER NOT NULL DEFAULT 0,
    controller_id TEXT,
    controller_epoch INTEGER NOT NULL DEFAULT 0, -- only rises (I11)
    controller_token TEXT,
    controller_expires_at INTEGER, -- lease clock
    current_round INTEGER NOT NULL DEFAULT 0,
    last_request_id TEXT, -- the last requeue and its answer, for a repeat (I10)
    last_request_result TEXT, -- JSON
    -- The counters of the brakes when the job was last resumed or requeued (I31).
    service_failures_baseline INTEGER NOT NULL DEFAULT 0,
    removed_baseline INTEGER NOT NULL DEFAULT 0,
    reason TEXT,
    created_at TEXT NOT NULL,
    start_time TEXT,
    end_time TEXT,
    finished_at INTEGER, -- microseconds of the wall clock
    history_cut_at TEXT, -- events up to history_cut_id are deleted
    history_cut_id INTEGER NOT NULL DEFAULT 0,
    is_deleting INTEGER NOT NULL DEFAULT 0,
    CONSTRAINT use_migrate_cancel_or_retry_not_sql
        CHECK ((status IN ('completed', 'failed', 'cancelled')) = (finished_at IS NOT NULL))
) STRICT;
-- One open job per target (I11).
CREATE UNIQUE INDEX IF NOT EXISTS ingestion_job_open ON ingestion_job (target_key)
    WHERE status IN ('pending', 'running', 'paused');
CREATE UNIQUE INDEX IF NOT EXISTS ingestion_job_opened_token ON ingestion_job (target_key, opened_token);

CREATE TABLE IF NOT EXISTS ingestion_batch (
    job_id INTEGER NOT NULL REFERENCES ingestion_job (id) ON DELETE CASCADE,
    batch_number INTEGER NOT NULL CHECK (batch_number >= 0),
    round INTEGER NOT NULL DEFAULT 0,
    record_count INTEGER NOT NULL CHECK (record_count >= 1),
    status TEXT NOT NULL DEFAULT 'pending' CHECK (status IN ('pending', 'processing', 'completed', 'failed')),
    attempt INTEGER NOT NULL DEFAULT 0, -- the fence: it only rises (I1, I4)
    retry_count INTEGER NOT NULL DEFAULT 0,
    next_retry_at INTEGER NOT NULL, -- lease clock: may be claimed from then on
    claim_id TEXT, -- stays after the end, until the next claim, as last_outcome does
    worker_id TEXT,
    claimed_at INTEGER, -- lease clock
    lease_expires_at INTEGER, -- lease clock
    deadline_at INTEGER, -- lease clock
    processed_count INTEGER NOT NULL DEFAULT 0 CHECK (processed_count >= 0),
    skipped_count INTEGER NOT NULL DEFAULT 0 CHECK (skipped_count >= 0),
    failed_count INTEGER NOT NULL DEFAULT 0 CHECK (failed_count >= 0),
    missing_count INTEGER NOT NULL DEFAULT 0 CHECK (missing_count >= 0),
    moved_count INTEGER NOT NULL DEFAULT 0 CHECK (moved_count >= 0),
    last_outcome TEXT CHECK (last_outcome IN ('completed', 'failed', 'release', 'defer', 'reaped')),
    error_code TEXT,
    error_message TEXT CHECK (length(error_message) <= 500),
    finished_at TEXT,
    PRIMARY KEY (job_id, batch_number),
    -- The names say which command does what a change by hand was meant to do.
    CONSTRAINT use_migrate_release_not_sql CHECK (
        (status = 'processing') = (lease_expires_at IS NOT NULL) AND (status = 'processing') = (deadline_at IS NOT NULL)
        AND (status <> 'processing' OR (claim_id IS NOT NULL AND worker_id IS NOT NULL AND claimed_at IS NOT NULL))
        AND (status = 'processing' OR attempt = 0 OR last_outcome IS NOT NULL)),
    CONSTRAINT use_migrate_retry_not_sql CHECK (
        (status IN ('completed', 'failed')) = (finished_at IS NOT NULL)
        AND (status <> 'pending' OR processed_count + skipped_count + failed_count + missing_count + moved_count = 0)
        AND retry_count BETWEEN 0 AND attempt),
    CONSTRAINT use_migrate_repair_counters_not_sql CHECK (finished_at IS NULL
        OR processed_count + skipped_count + failed_count + missing_count + moved_count = record_count) -- I13
) STRICT, WITHOUT ROWID;
-- The claim, in order; a backoff is the end of the range (I26).
CREATE INDEX IF NOT EXISTS ingestion_batch_claimable ON ingestion_batch (job_id, next_retry_at, batch_number)
    WHERE status = 'pending';
-- A repeated claim, the reaper, "is anything at work?".
CREATE INDEX IF NOT EXISTS ingestion_batch_in_flight ON ingestion_batch (job_id, claimed_at, claim_id)
    WHERE status = 'processing';
CREATE INDEX IF NOT EXISTS ingestion_batch_given_up ON ingestion_batch (job_id, batch_number) WHERE status = 'failed';

-- The records of a batch as a JSON list of integers: written once, so that a change of state rewrites a short row.
CREATE TABLE IF NOT EXISTS ingestion_batch_ids (
    job_id INTEGER NOT NULL,
    batch_number INTEGER NOT NULL,
    record_ids TEXT NOT NULL,
    PRIMARY KEY (job_id, batch_number),
    FOREIGN KEY (job_id, batch_number) REFERENCES ingestion_batch (job_id, batch_number) ON DELETE CASCADE
) STRICT;

-- Dead letters (I16). Open while resolved_at is NULL. Never any record text.
CREATE TABLE IF NOT EXISTS ingestion_failure (
    job_id INTEGER NOT NULL,
    record_id INTEGER NOT NULL,
    batch_number INTEGER NOT NULL,
    attempt INTEGER NOT NULL,
    stage TEXT NOT NULL CHECK (stage IN ('fetch', 'decode', 'chunk', 'embed', 'upsert', 'batch')),
    code TEXT NOT NULL,
    message TEXT NOT NULL CHECK (length(message) <= 500),
    permanent INTEGER NOT NULL,
    first_at TEXT NOT NULL,
    last_at TEXT NOT NULL,
    times INTEGER NOT NULL DEFAULT 1,
    resolved_at TEXT,
    PRIMARY KEY (job_id, record_id)
) STRICT, WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS ingestion_failure_batch ON ingestion_failure (job_id, batch_number);
CREATE INDEX IF NOT EXISTS ingestion_failure_open ON ingestion_failure (job_id, record_id) WHERE resolved_at IS NULL;

-- The counters of a job; they equal a recount of the tables (I15).
CREATE TABLE IF NOT EXISTS ingestion_counter (
    job_id INTEGER PRIMARY KEY,
    completed_batches INTEGER NOT NULL DEFAULT 0,
    failed_batches INTEGER NOT NULL DEFAULT 0,
    in_flight INTEGER NOT NULL DEFAULT 0,
    processed INTEGER NOT NULL DEFAULT 0,
    skipped INTEGER NOT NULL DEFAULT 0,
    failed INTEGER NOT NULL DEFAULT 0,
    missing INTEGER NOT NULL DEFAULT 0,
    claims INTEGER NOT NULL DEFAULT 0,
    retries INTEGER NOT NULL DEFAULT 0,
    reaps INTEGER NOT NULL DEFAULT 0,
    releases INTEGER NOT NULL DEFAULT 0,
    defers INTEGER NOT NULL DEFAULT 0,
    service_failures INTEGER NOT NULL DEFAULT 0,
    removed INTEGER NOT NULL DEFAULT 0,
    billed_tokens INTEGER NOT NULL DEFAULT 0,
    billed_nanodollars INTEGER NOT NULL DEFAULT 0
) STRICT;

-- Append-only.
CREATE TABLE IF NOT EXISTS ingestion_event (
    id INTEGER PRIMARY KEY AUTOINCREMENT, -- never used twice: history_cut_id would hide a new event
    at TEXT NOT NULL,
    job_id INTEGER NOT NULL,
    batch_number INTEGER,
    attempt INTEGER,
    claim_id TEXT,
    worker_id TEXT,
    kind TEXT NOT NULL,
    detail TEXT NOT NULL DEFAULT '{}' -- JSON
) STRICT;
CREATE INDEX IF NOT EXISTS ingestion_event_job ON ingestion_event (job_id);

-- The minute quota of one host, model, organisation and key. All times: lease clock; NULL = never.
CREATE TABLE IF NOT EXISTS ingestion_quota (
    quota TEXT PRIMARY KEY,
    tokens_per_minute INTEGER NOT NULL DEFAULT 0, -- 0 = unknown: not paced
    requests_per_minute INTEGER NOT NULL DEFAULT 0,
    share REAL NOT NULL DEFAULT 0.975, -- of the limits, when it was last cut
    unit_factor REAL NOT NULL DEFAULT 1, -- what the provider charges for one token of ours
    burst INTEGER NOT NULL DEFAULT 200000,
    tokens_arrival_at INTEGER, -- the two theoretical arrival times (GCRA)
    requests_arrival_at INTEGER,
    pause_until INTEGER,
    cut_at INTEGER,
    stop_reason TEXT
) STRICT, WITHOUT ROWID;

-- A process that works on a job, with its last report. All times: lease clock.
CREATE TABLE IF NOT EXISTS ingestion_runner (
    job_id INTEGER NOT NULL REFERENCES ingestion_job (id) ON DELETE CASCADE,
    runner TEXT NOT NULL,
    host TEXT NOT NULL,
    workers INTEGER NOT NULL,
    held INTEGER NOT NULL,
    batches INTEGER NOT NULL,
    records INTEGER NOT NULL,
    state TEXT NOT NULL,
    service TEXT,
    reason TEXT,
    since INTEGER NOT NULL,
    until INTEGER,
    started_at INTEGER NOT NULL,
    seen INTEGER NOT NULL,
    records_per_minute INTEGER,
    marked_at INTEGER NOT NULL,
    marked_records INTEGER NOT NULL,
    PRIMARY KEY (job_id, runner)
) STRICT, WITHOUT ROWID;
