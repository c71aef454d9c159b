-- Job tracking in one SQLite file, 3 of 8: opening a job and planning it.

-- name: open_job
-- The open job of the target; otherwise the job that this very call has opened and that has ended since (I27).
SELECT *, status IN ('pending', 'running', 'paused') AS is_open FROM ingestion_job
WHERE target_key = :target AND (status IN ('pending', 'running', 'paused') OR opened_token = :token)
ORDER BY is_open DESC, id DESC LIMIT 1

-- name: create_job
INSERT INTO ingestion_job (target_key, config_hash, config, servers, opened_token, max_retries, lease_seconds,
    batch_timeout_seconds, backoff_base_seconds, backoff_cap_seconds, record_events, created_at)
VALUES (:target, :hash, :config, :servers, :token, :max_retries, :lease_seconds, :batch_timeout_seconds,
    :backoff_base_seconds, :backoff_cap_seconds, :record_events, :at)
RETURNING id

-- name: start_job
UPDATE ingestion_job SET status = 'running', start_time = coalesce(start_time, :at) WHERE id = :job AND status = 'pending'

-- name: take_control
-- The caller's own lease is extended; a free or expired one becomes the caller's with the next epoch (I11); another
-- controller's lease stays.
UPDATE ingestion_job SET
    controller_epoch = controller_epoch + (controller_expires_at IS NULL OR controller_expires_at <= :now),
    controller_id = :controller, controller_token = :token, controller_expires_at = :now + 30000000
WHERE id = :job
    AND (controller_expires_at IS NULL OR controller_expires_at <= :now OR controller_token = :token)

-- name: set_servers
UPDATE ingestion_job SET servers = :servers WHERE id = :job AND servers <> :servers

-- name: renew_controller
UPDATE ingestion_job SET controller_expires_at = :now + 30000000
WHERE id = :job AND controller_epoch = :epoch AND controller_token = :token

-- name: plan_state
-- What a page or the seal meets.
SELECT CASE
    WHEN controller_epoch IS NOT :epoch OR controller_token IS NOT :token THEN 'lost' -- I11
    WHEN :seals AND is_sealed THEN 'already_sealed'
    WHEN status NOT IN ('pending', 'running', 'paused') THEN 'closed'
    WHEN NOT :seals AND plan_cursor IS :last AND :last IS NOT NULL THEN 'perhaps_duplicate'
    WHEN is_sealed THEN 'sealed'
    WHEN plan_cursor IS NOT :expected THEN 'cursor_mismatch'
    ELSE 'fits' END AS state
FROM ingestion_job WHERE id = :job

-- name: last_planned
-- The bounds of the last batches planned from the source, the last one first.
SELECT json_extract(i.record_ids, '$[0]') AS first, json_extract(i.record_ids, '$[#-1]') AS last, b.record_count
FROM ingestion_batch b JOIN ingestion_batch_ids i USING (job_id, batch_number)
WHERE b.job_id = :job AND b.round = 0 ORDER BY b.batch_number DESC LIMIT :count

-- name: advance_plan
UPDATE ingestion_job SET plan_cursor = :last, next_batch_number = next_batch_number + :batches,
    total_batches = total_batches + :batches, total_records = total_records + :records
WHERE id = :job

-- name: seal
UPDATE ingestion_job SET is_sealed = 1, plan_upper = :upper, source_count = :source_count WHERE id = :job
