-- Job tracking in one SQLite file, 5 of 8: watching, controlling and ending a job, and what operators repair.

-- name: recount_batches
SELECT count(*) AS batches, coalesce(sum(record_count - moved_count), 0) AS records,
    count(*) FILTER (WHERE status = 'pending') AS pending,
    count(*) FILTER (WHERE status = 'processing') AS processing,
    count(*) FILTER (WHERE status = 'completed') AS completed,
    count(*) FILTER (WHERE status = 'failed') AS failed,
    coalesce(sum(processed_count) FILTER (WHERE finished_at IS NOT NULL), 0) AS processed,
    coalesce(sum(skipped_count) FILTER (WHERE finished_at IS NOT NULL), 0) AS skipped,
    coalesce(sum(failed_count) FILTER (WHERE finished_at IS NOT NULL), 0) AS failed_records,
    coalesce(sum(missing_count) FILTER (WHERE finished_at IS NOT NULL), 0) AS missing,
    coalesce(sum(attempt), 0) AS claims
FROM ingestion_batch WHERE job_id = :job

-- name: recount_letters
SELECT count(*) AS letters FROM ingestion_failure WHERE job_id = :job AND resolved_at IS NULL

-- name: recount_ends
SELECT count(*) FILTER (WHERE kind IN ('failed', 'reaped') AND json_extract(detail, '$.status') = 'pending') AS retries,
    count(*) FILTER (WHERE kind = 'reaped') AS reaps,
    count(*) FILTER (WHERE kind = 'release') AS releases,
    count(*) FILTER (WHERE kind = 'defer') AS defers,
    coalesce(sum(CAST(json_extract(detail, '$.service_failures') AS INTEGER)), 0) AS service_failures,
    coalesce(sum(CAST(json_extract(detail, '$.removed') AS INTEGER)), 0) AS removed,
    coalesce(sum(CAST(json_extract(detail, '$.tokens') AS INTEGER)), 0) AS billed_tokens,
    coalesce(sum(CAST(json_extract(detail, '$.nanodollars') AS INTEGER)), 0) AS billed_nanodollars
FROM ingestion_event WHERE job_id = :job

-- name: control
UPDATE ingestion_job SET status = :status, reason = :reason,
    finished_at = CASE WHEN :status = 'cancelled' THEN :wall END,
    end_time = CASE WHEN :status = 'cancelled' THEN :at ELSE end_time END,
    start_time = CASE WHEN :status = 'running' THEN coalesce(start_time, :at) ELSE start_time END
WHERE id = :job

-- name: finalize
-- A job that is sealed and drained ends (I17). The indexes are named because without statistics SQLite reads all batches.
UPDATE ingestion_job SET
    status = CASE WHEN EXISTS (SELECT 1 FROM ingestion_batch INDEXED BY ingestion_batch_given_up
        WHERE job_id = :job AND status = 'failed')
        THEN 'failed' ELSE 'completed' END,
    finished_at = :wall, end_time = :at
WHERE id = :job AND status IN ('running', 'paused') AND is_sealed
    AND NOT EXISTS (SELECT 1 FROM ingestion_batch INDEXED BY ingestion_batch_in_flight
        WHERE job_id = :job AND status = 'processing')
    AND NOT EXISTS (SELECT 1 FROM ingestion_batch INDEXED BY ingestion_batch_claimable
        WHERE job_id = :job AND status = 'pending')
RETURNING status

-- name: meant
-- Attempts that an operator names; a worker whole, or by its runner or host.
SELECT * FROM ingestion_batch
WHERE job_id = :job AND status = 'processing' AND claimed_at <= :until
    AND (:worker IS NULL OR worker_id = :worker OR substr(worker_id, 1, length(:worker) + 1) IN (:worker || '/', :worker || ':'))
    AND (:numbers IS NULL OR batch_number IN (SELECT value FROM json_each(:numbers)))
ORDER BY claimed_at, batch_number LIMIT :limit

-- name: odd_batches
-- Batches in a state that no call produces: an end without an outcome, counts of a waiting batch, open dead letters of
-- records that are to be processed again.
SELECT b.batch_number, b.status, b.status <> 'processing' AND b.attempt > 0 AND b.last_outcome IS NULL
        OR b.status = 'pending'
            AND b.processed_count + b.skipped_count + b.failed_count + b.missing_count + b.moved_count <> 0 AS is_odd
FROM ingestion_batch b
WHERE b.job_id = :job AND (b.status <> 'processing' AND b.attempt > 0 AND b.last_outcome IS NULL
    OR b.status = 'pending'
        AND b.processed_count + b.skipped_count + b.failed_count + b.missing_count + b.moved_count <> 0
    OR b.status IN ('pending', 'processing') AND b.batch_number IN (
        SELECT f.batch_number FROM ingestion_failure f WHERE f.job_id = :job AND f.resolved_at IS NULL))
ORDER BY b.batch_number LIMIT :limit

-- name: mend_batch
UPDATE ingestion_batch SET
    last_outcome = coalesce(last_outcome, CASE status WHEN 'pending' THEN 'release' WHEN 'completed' THEN 'completed'
        WHEN 'failed' THEN 'failed' END),
    processed_count = CASE status WHEN 'pending' THEN 0 ELSE processed_count END,
    skipped_count = CASE status WHEN 'pending' THEN 0 ELSE skipped_count END,
    failed_count = CASE status WHEN 'pending' THEN 0 ELSE failed_count END,
    missing_count = CASE status WHEN 'pending' THEN 0 ELSE missing_count END,
    moved_count = CASE status WHEN 'pending' THEN 0 ELSE moved_count END
WHERE job_id = :job AND batch_number = :number

-- name: resolve_batch
UPDATE ingestion_failure SET resolved_at = :at WHERE job_id = :job AND batch_number = :number AND resolved_at IS NULL

-- name: add_totals
UPDATE ingestion_job SET total_batches = total_batches + :batches, total_records = total_records + :records WHERE id = :job
