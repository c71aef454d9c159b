-- Job tracking in one SQLite file, 6 of 8: opening failed work again, the only way in which an ended batch changes (I6).
-- total_records never changes: records that move to a new batch leave the counts of their old one (`moved_count`).

-- name: other_open_job
SELECT 1 FROM ingestion_job WHERE target_key = :target AND id <> :job AND status IN ('pending', 'running', 'paused')

-- name: failed_batches
SELECT b.* FROM ingestion_batch b INDEXED BY ingestion_batch_given_up
WHERE b.job_id = :job AND b.status = 'failed'
    AND b.batch_number > coalesce(:after, -1)
    AND (:batches IS NULL OR b.batch_number IN (SELECT value FROM json_each(:batches)))
    AND ((:records IS NULL AND :stage IS NULL AND :code IS NULL) OR EXISTS (
        SELECT 1 FROM ingestion_failure f INDEXED BY ingestion_failure_batch
        WHERE f.job_id = :job AND f.batch_number = b.batch_number AND f.resolved_at IS NULL
            AND (:records IS NULL OR f.record_id IN (SELECT value FROM json_each(:records)))
            AND (:stage IS NULL OR f.stage = :stage) AND (:code IS NULL OR f.code = :code)))
ORDER BY b.batch_number LIMIT :limit

-- name: reopen
-- A whole batch with a new budget; the attempt is kept (I4).
UPDATE ingestion_batch SET status = 'pending', moved_count = 0, finished_at = NULL, next_retry_at = :now, retry_count = 0,
    processed_count = 0, skipped_count = 0, failed_count = 0, missing_count = 0
WHERE job_id = :job AND batch_number = :number

-- name: divide
-- A batch whose records come back each alone.
UPDATE ingestion_batch SET status = 'completed', moved_count = record_count, finished_at = :at, next_retry_at = :now,
    retry_count = 0, processed_count = 0, skipped_count = 0, failed_count = 0, missing_count = 0
WHERE job_id = :job AND batch_number = :number

-- name: failed_records
-- Open dead letters of completed batches.
SELECT f.record_id, f.batch_number FROM ingestion_failure f INDEXED BY ingestion_failure_open JOIN ingestion_batch b
    ON b.job_id = f.job_id AND b.batch_number = f.batch_number AND b.status = 'completed'
WHERE f.job_id = :job AND f.resolved_at IS NULL
    AND f.record_id >= coalesce(:after + 1, -9223372036854775808)
    AND (:records IS NULL OR f.record_id IN (SELECT value FROM json_each(:records)))
    AND (:batches IS NULL OR f.batch_number IN (SELECT value FROM json_each(:batches)))
    AND (:stage IS NULL OR f.stage = :stage) AND (:code IS NULL OR f.code = :code)
ORDER BY f.record_id LIMIT :limit

-- name: move_records
UPDATE ingestion_batch SET failed_count = failed_count - :moved, moved_count = moved_count + :moved
WHERE job_id = :job AND batch_number = :number

-- name: resolve_record
UPDATE ingestion_failure SET resolved_at = :at WHERE job_id = :job AND record_id = :record

-- name: requeued
-- The job runs again if anything was opened, its totals include the batches made, and the answer is kept for a repeat.
UPDATE ingestion_job SET
    status = CASE WHEN :batches > 0 AND status IN ('completed', 'failed') THEN 'running' ELSE status END,
    finished_at = CASE WHEN :batches > 0 THEN NULL ELSE finished_at END,
    end_time = CASE WHEN :batches > 0 THEN NULL ELSE end_time END,
    next_batch_number = next_batch_number + :made, total_batches = total_batches + :made,
    current_round = current_round + (:made > 0), last_request_id = :request, last_request_result = :answer
WHERE id = :job
