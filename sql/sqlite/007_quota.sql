-- Job tracking in one SQLite file, 7 of 8: the minute quota that all workers share (I22), and which processes are at work.

-- name: quota
SELECT * FROM ingestion_quota WHERE quota = :quota

-- name: add_quota
INSERT INTO ingestion_quota (quota) VALUES (:quota) ON CONFLICT DO NOTHING

-- name: set_quota
UPDATE ingestion_quota SET tokens_per_minute = :tokens_per_minute, requests_per_minute = :requests_per_minute,
    share = :share, cut_at = :cut_at, pause_until = :pause_until, tokens_arrival_at = :tokens_arrival_at,
    requests_arrival_at = :requests_arrival_at, stop_reason = :stop_reason
WHERE quota = :quota

-- name: quotas
-- By name in the order of bytes.
SELECT * FROM ingestion_quota WHERE :after IS NULL OR quota > :after ORDER BY quota LIMIT :limit

-- name: reset_quota
DELETE FROM ingestion_quota WHERE quota = :quota

-- name: runner
SELECT * FROM ingestion_runner WHERE job_id = :job AND runner = :runner

-- name: set_runner
INSERT INTO ingestion_runner (job_id, runner, host, workers, held, batches, records, state, service, reason, since, until,
    started_at, seen, records_per_minute, marked_at, marked_records)
VALUES (:job, :runner, :host, :workers, :held, :batches, :records, :state, :service, :reason, :since, :until,
    :started_at, :seen, :records_per_minute, :marked_at, :marked_records)
ON CONFLICT (job_id, runner) DO UPDATE SET
    host = excluded.host, workers = excluded.workers, held = excluded.held, batches = excluded.batches,
    records = excluded.records, state = excluded.state, service = excluded.service, reason = excluded.reason,
    since = excluded.since, until = excluded.until, started_at = excluded.started_at, seen = excluded.seen,
    records_per_minute = excluded.records_per_minute, marked_at = excluded.marked_at,
    marked_records = excluded.marked_records

-- name: forget_runners
-- Those that have left or are silent for a day; when a new one appears.
DELETE FROM ingestion_runner WHERE job_id = :job AND runner <> :runner
    AND seen < :now - CASE state WHEN 'left' THEN 3600000000 ELSE 86400000000 END

-- name: runners
SELECT * FROM ingestion_runner
WHERE job_id = :job AND (:after IS NULL OR runner > :after) AND (:seen_since IS NULL OR seen >= :seen_since)
ORDER BY runner LIMIT :limit
