-- Job tracking in one SQLite file, 2 of 8: what all calls share. From here on each statement has a name, by which the
-- program runs it; all parameters are named.

-- name: store
SELECT boot_id, machine_id, clock_offset, seen_at, seen_wall FROM ingestion_store

-- name: occupy
-- The file belongs to this boot from now on.
INSERT INTO ingestion_store (id, boot_id, machine_id, clock_offset, seen_at, seen_wall)
VALUES (1, :boot, :machine, :offset, :now, :wall)
ON CONFLICT (id) DO UPDATE SET boot_id = excluded.boot_id, machine_id = excluded.machine_id,
    clock_offset = excluded.clock_offset, seen_at = excluded.seen_at, seen_wall = excluded.seen_wall

-- name: see
UPDATE ingestion_store SET seen_at = :now, seen_wall = :wall

-- name: latest_times
-- The latest moments of the lease clock at which something of another boot ends: leases and their grace, controllers,
-- pauses and reservations of a quota, and what has happened at all.
SELECT max(
    coalesce((SELECT max(b.lease_expires_at + j.lease_seconds * 250000)
        FROM ingestion_job j JOIN ingestion_batch b ON b.job_id = j.id AND b.status = 'processing'), :seen),
    coalesce((SELECT max(controller_expires_at) FROM ingestion_job WHERE status IN ('pending', 'running', 'paused')), :seen),
    coalesce((SELECT max(max(coalesce(tokens_arrival_at, 0), coalesce(requests_arrival_at, 0), coalesce(pause_until, 0)))
        FROM ingestion_quota), :seen),
    :seen) AS latest

-- name: latest_lease
-- How long leases still were at the last write of another boot, in microseconds.
SELECT max(
    coalesce((SELECT max(b.lease_expires_at) FROM ingestion_job j JOIN ingestion_batch b
        ON b.job_id = j.id AND b.status = 'processing'), :seen),
    coalesce((SELECT max(controller_expires_at) FROM ingestion_job WHERE status IN ('pending', 'running', 'paused')), :seen))
    - :seen AS left

-- name: end_leases
-- After a restart of the machine nothing is at work: what an earlier boot held is seen by the next look of the reaper,
-- and no runner may repeat its claim.
UPDATE ingestion_batch SET
    lease_expires_at = min(lease_expires_at, :now - 1 - (SELECT j.lease_seconds * 250000 FROM ingestion_job j
        WHERE j.id = ingestion_batch.job_id)),
    claimed_at = max(claimed_at, :now - 1 - (SELECT max(j.lease_seconds, j.batch_timeout_seconds) * 1000000
        FROM ingestion_job j WHERE j.id = ingestion_batch.job_id))
WHERE status = 'processing'

-- name: end_backoffs
-- Waits of another boot are over, too: it is not known how long the machine was off.
UPDATE ingestion_batch SET next_retry_at = :now WHERE status = 'pending' AND next_retry_at > :now

-- name: job
SELECT * FROM ingestion_job WHERE id = :job

-- name: batch_ids
SELECT record_ids FROM ingestion_batch_ids WHERE job_id = :job AND batch_number = :number

-- name: log
INSERT INTO ingestion_event (at, job_id, batch_number, attempt, claim_id, worker_id, kind, detail)
VALUES (:at, :job, :number, :attempt, :claim, :worker, :kind, :detail)

-- name: log_of_batch
INSERT INTO ingestion_event (at, job_id, batch_number, attempt, claim_id, worker_id, kind, detail)
SELECT :at, job_id, batch_number, attempt, claim_id, worker_id, :kind, :detail
FROM ingestion_batch WHERE job_id = :job AND batch_number = :number

-- name: count
UPDATE ingestion_counter SET
    completed_batches = completed_batches + :completed_batches, failed_batches = failed_batches + :failed_batches,
    in_flight = in_flight + :in_flight, processed = processed + :processed, skipped = skipped + :skipped,
    failed = failed + :failed, missing = missing + :missing, claims = claims + :claims, retries = retries + :retries,
    reaps = reaps + :reaps, releases = releases + :releases, defers = defers + :defers,
    service_failures = service_failures + :service_failures, removed = removed + :removed,
    billed_tokens = billed_tokens + :billed_tokens, billed_nanodollars = billed_nanodollars + :billed_nanodollars
WHERE job_id = :job

-- name: counters
SELECT * FROM ingestion_counter WHERE job_id = :job

-- name: add_counters
INSERT INTO ingestion_counter (job_id) VALUES (:job) ON CONFLICT DO NOTHING

-- name: set_baselines
-- The brakes count from here (I31).
UPDATE ingestion_job SET
    service_failures_baseline = (SELECT service_failures FROM ingestion_counter WHERE job_id = :job),
    removed_baseline = (SELECT removed FROM ingestion_counter WHERE job_id = :job)
WHERE id = :job AND EXISTS (SELECT 1 FROM ingestion_counter WHERE job_id = :job)

-- name: bury
-- Opens a dead letter (I16). A record that failed before keeps its row.
INSERT INTO ingestion_failure
    (job_id, record_id, batch_number, attempt, stage, code, message, permanent, first_at, last_at)
VALUES (:job, :record, :number, :attempt, :stage, :code, :message, :permanent, :at, :at)
ON CONFLICT (job_id, record_id) DO UPDATE SET
    batch_number = excluded.batch_number, attempt = excluded.attempt, stage = excluded.stage, code = excluded.code,
    message = excluded.message, permanent = excluded.permanent, last_at = excluded.last_at, times = times + 1,
    resolved_at = NULL

-- name: insert_batch
INSERT INTO ingestion_batch (job_id, batch_number, round, record_count, next_retry_at)
VALUES (:job, :number, :round, :records, :now)

-- name: insert_batch_ids
INSERT INTO ingestion_batch_ids (job_id, batch_number, record_ids) VALUES (:job, :number, :ids)
