-- Job tracking in one SQLite file, 4 of 8: what workers call. Every transition is decided on the row as it is in the
-- transaction that writes it.

-- name: claimed_before
-- A repeated claim: what it took, while the lease that it was given may be alive (I9).
SELECT batch_number FROM ingestion_batch
WHERE job_id = :job AND status = 'processing' AND claim_id = :claim AND claimed_at > :now - :lease_seconds * 1000000

-- name: take
-- The first claimable batches from the floor on (I1, I4, I8).
UPDATE ingestion_batch SET
    status = 'processing', attempt = attempt + 1, claim_id = :claim, worker_id = :worker, last_outcome = NULL,
    claimed_at = :now, deadline_at = :now + :timeout_seconds * 1000000,
    lease_expires_at = :now + min(:lease_seconds, :timeout_seconds) * 1000000
WHERE job_id = :job AND batch_number IN (
    SELECT batch_number FROM ingestion_batch
    WHERE job_id = :job AND status = 'pending' AND next_retry_at <= :now
        AND (next_retry_at, batch_number) >= (:floor_at, :floor_number)
    ORDER BY next_retry_at, batch_number LIMIT :limit)
RETURNING batch_number, next_retry_at

-- name: claimed
SELECT b.batch_number, b.attempt, b.retry_count, b.lease_expires_at, b.deadline_at, i.record_ids
FROM ingestion_batch b JOIN ingestion_batch_ids i USING (job_id, batch_number)
WHERE b.job_id = :job AND b.batch_number IN (SELECT value FROM json_each(:numbers)) ORDER BY b.batch_number

-- name: next_retry
SELECT next_retry_at FROM ingestion_batch WHERE job_id = :job AND status = 'pending' AND next_retry_at > :now
ORDER BY next_retry_at, batch_number LIMIT 1

-- name: heartbeat_state
-- Why a heartbeat does not keep its batch, or NULL (I3).
SELECT b.record_count, CASE
    WHEN b.attempt IS NOT :attempt OR b.claim_id IS NOT :claim THEN 'new_owner'
    WHEN b.status <> 'processing' AND b.last_outcome = 'reaped' THEN 'reaped'
    WHEN b.status <> 'processing' THEN 'ended'
    WHEN j.status = 'cancelled' THEN 'cancelled'
    WHEN b.deadline_at <= :now THEN 'deadline'
    END AS reason
FROM ingestion_batch b JOIN ingestion_job j ON j.id = b.job_id WHERE b.job_id = :job AND b.batch_number = :number

-- name: heartbeat
-- Absolute counts, merged with max: lost, repeated and reordered calls count once (I10).
UPDATE ingestion_batch SET
    lease_expires_at = max(lease_expires_at, min(:now + :lease_seconds * 1000000, deadline_at)),
    processed_count = max(processed_count, :processed), skipped_count = max(skipped_count, :skipped),
    failed_count = max(failed_count, :failed), missing_count = max(missing_count, :missing)
WHERE job_id = :job AND batch_number = :number
RETURNING lease_expires_at

-- name: finish_state
-- Whether a finish is heard: the attempt and claim of the row, and not ended yet (I1, I2, I3).
SELECT *, CASE
    WHEN attempt IS NOT :attempt OR claim_id IS NOT :claim THEN 'lost'
    WHEN status = 'processing' THEN 'applied'
    WHEN last_outcome = 'reaped' THEN 'lost'
    ELSE 'duplicate' END AS result
FROM ingestion_batch WHERE job_id = :job AND batch_number = :number

-- name: close
-- Ends an attempt and its batch, for good except for a requeue (I6).
UPDATE ingestion_batch SET
    status = :status, last_outcome = :outcome, lease_expires_at = NULL, deadline_at = NULL, finished_at = :at,
    processed_count = :processed, skipped_count = :skipped, failed_count = :failed, missing_count = :missing,
    error_code = :code, error_message = :message
WHERE job_id = :job AND batch_number = :number

-- name: give_back
-- Ends an attempt and makes its batch claimable again; :retries is 1 if it uses a retry (I7).
UPDATE ingestion_batch SET
    status = 'pending', last_outcome = :outcome, lease_expires_at = NULL, deadline_at = NULL, next_retry_at = :available,
    retry_count = retry_count + :retries, processed_count = 0, skipped_count = 0, failed_count = 0, missing_count = 0,
    error_code = :code, error_message = :message
WHERE job_id = :job AND batch_number = :number

-- name: stuck
-- Attempts whose lease and its grace have run out; unless :full, only those claimed recently enough to hold such a lease.
SELECT * FROM ingestion_batch
WHERE job_id = :job AND status = 'processing' AND lease_expires_at < :now - :grace
    AND claimed_at > CASE WHEN :full THEN -9223372036854775808
        ELSE :now - :grace - (:timeout_seconds + 60) * 1000000 END
ORDER BY claimed_at, batch_number LIMIT :limit
