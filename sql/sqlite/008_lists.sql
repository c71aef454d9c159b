-- Job tracking in one SQLite file, 8 of 8: what people and `verify` read, page by page, and deleting old jobs. Each query
-- reads one row more than its page shows, which shows whether there is a next page.

-- name: jobs
SELECT * FROM ingestion_job
WHERE (:job IS NULL OR id = :job) AND id < coalesce(:after, 9223372036854775807)
    AND (:target IS NULL OR target_key = :target)
    AND (:collection IS NULL OR json_extract(config, '$.collection') = :collection)
    AND (:open IS NULL OR (status IN ('pending', 'running', 'paused')) = :open)
ORDER BY id DESC LIMIT :limit

-- name: batches
SELECT b.*, i.record_ids FROM ingestion_batch b JOIN ingestion_batch_ids i USING (job_id, batch_number)
WHERE b.job_id = :job AND b.batch_number > coalesce(:after, -1) AND (:status IS NULL OR b.status = :status)
    AND (:numbers IS NULL OR b.batch_number IN (SELECT value FROM json_each(:numbers)))
    AND (:requeued IS NULL OR (b.round > 0) = :requeued)
ORDER BY b.batch_number LIMIT :limit

-- name: failures
SELECT * FROM ingestion_failure
WHERE job_id = :job AND record_id >= coalesce(:after + 1, -9223372036854775808)
    AND (:open IS NULL OR (resolved_at IS NULL) = :open)
    AND (:stage IS NULL OR stage = :stage) AND (:code IS NULL OR code = :code)
    AND (:numbers IS NULL OR batch_number IN (SELECT value FROM json_each(:numbers)))
ORDER BY record_id LIMIT :limit

-- name: events
SELECT * FROM ingestion_event
WHERE job_id = :job AND id > coalesce(:after, 0) AND (:kind IS NULL OR kind = :kind)
    AND (:numbers IS NULL OR batch_number IN (SELECT value FROM json_each(:numbers)))
ORDER BY id LIMIT :limit

-- name: newest_events
SELECT * FROM ingestion_event
WHERE job_id = :job AND id < coalesce(:after, 9223372036854775807) AND (:kind IS NULL OR kind = :kind)
    AND (:numbers IS NULL OR batch_number IN (SELECT value FROM json_each(:numbers)))
ORDER BY id DESC LIMIT :limit

-- name: mark_deleting
-- From the first page on the job is cancelled, so that nothing opens it again.
UPDATE ingestion_job SET is_deleting = 1, status = 'cancelled', reason = :reason WHERE id = :job

-- name: delete_batches
-- The latest first; their records go with them.
DELETE FROM ingestion_batch WHERE job_id = :job AND batch_number IN (
    SELECT batch_number FROM ingestion_batch WHERE job_id = :job ORDER BY batch_number DESC LIMIT :limit)

-- name: delete_failures
DELETE FROM ingestion_failure WHERE job_id = :job AND record_id IN (
    SELECT record_id FROM ingestion_failure WHERE job_id = :job ORDER BY record_id DESC LIMIT :limit)

-- name: delete_events
DELETE FROM ingestion_event WHERE id IN (
    SELECT id FROM ingestion_event WHERE job_id = :job ORDER BY id DESC LIMIT :limit)

-- name: delete_counters
DELETE FROM ingestion_counter WHERE job_id = :job

-- name: delete_job
DELETE FROM ingestion_job WHERE id = :job

-- name: oldest_events
SELECT max(id) AS through, count(*) AS events FROM (
    SELECT id FROM ingestion_event WHERE job_id = :job ORDER BY id LIMIT :limit)

-- name: cut_events
DELETE FROM ingestion_event WHERE job_id = :job AND id <= :through

-- name: cut_history
UPDATE ingestion_job SET history_cut_at = :at, history_cut_id = :through WHERE id = :job

-- name: retention
-- Every job, newest first, and every number of a job whose row is deleted, but not everything that belongs to it. The
-- numbers are found by skipping through the indexes.
WITH RECURSIVE failure (id) AS (
    SELECT max(job_id) FROM ingestion_failure WHERE job_id < coalesce(:after, 9223372036854775807)
    UNION ALL
    SELECT (SELECT max(f.job_id) FROM ingestion_failure f WHERE f.job_id < n.id) FROM failure n WHERE n.id IS NOT NULL
    LIMIT :limit
), event (id) AS (
    SELECT max(job_id) FROM ingestion_event WHERE job_id < coalesce(:after, 9223372036854775807)
    UNION ALL
    SELECT (SELECT max(e.job_id) FROM ingestion_event e WHERE e.job_id < n.id) FROM event n WHERE n.id IS NOT NULL
    LIMIT :limit
)
SELECT k.id AS known_id, j.*,
    EXISTS (SELECT 1 FROM ingestion_event e WHERE e.job_id = k.id) AS has_events
FROM (
    SELECT id FROM failure UNION SELECT id FROM event
    UNION SELECT job_id FROM ingestion_counter WHERE job_id < coalesce(:after, 9223372036854775807)
    UNION SELECT id FROM ingestion_job WHERE id < coalesce(:after, 9223372036854775807)) k
LEFT JOIN ingestion_job j ON j.id = k.id
WHERE k.id IS NOT NULL ORDER BY k.id DESC LIMIT :limit

-- name: rows
SELECT (SELECT count(*) FROM ingestion_batch WHERE job_id = :job) AS batches,
    (SELECT count(*) FROM ingestion_batch_ids WHERE job_id = :job) AS lists,
    (SELECT count(*) FROM ingestion_failure WHERE job_id = :job) AS failures,
    (SELECT count(*) FROM ingestion_event WHERE job_id = :job) AS events,
    (SELECT count(*) FROM ingestion_counter WHERE job_id = :job)
    + (SELECT count(*) FROM ingestion_runner WHERE job_id = :job)
    + (SELECT count(*) FROM ingestion_job WHERE id = :job) AS others
