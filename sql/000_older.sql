-- Job tracking, 0 of 12: objects that exist before anything is changed. Tables, views, indexes and functions that have
-- the names of the job tracking but were not made by `migrate`, such as those of an earlier plan (`ingestion_job` with
-- a UUID as its id), end the installation with a sentence: none of them is used, and nothing is put beside them,
-- because PostgREST cannot tell functions with the same name apart. `migrate.rename_older_tables` says what else to do:
-- `on` gives them, their indexes and sequences the suffix `_old`, in the same transaction; `look` only lists them, in
-- `migrate.older_tables`.
DO $$
DECLARE
    v_mode text := coalesce(nullif(current_setting('migrate.rename_older_tables', true), ''), 'off');
    v_older jsonb;
    v_object record;
    v_rows bigint;
    v_what text;
    v_list text[] := '{}';
    v_locks text;
    v_timeout text := current_setting('lock_timeout');
BEGIN
    WITH shape (relation, kind, type, columns) AS (VALUES
            -- Of version 1: later columns are added if they are missing.
            ('ingestion_job', 'r', 'bigint', 'id plan_cursor plan_upper source_count total_records processed_records '
                || 'skipped_records failed_records missing_records'),
            ('ingestion_job', 'r', 'text', 'target_key status config_hash controller_id reason'),
            ('ingestion_job', 'r', 'jsonb', 'config last_request_result metadata'),
            ('ingestion_job', 'r', 'integer', 'max_retries lease_seconds batch_timeout_seconds backoff_base_seconds '
                || 'backoff_cap_seconds next_batch_number controller_epoch total_batches completed_batches '
                || 'failed_batches current_round'),
            ('ingestion_job', 'r', 'boolean', 'record_events'),
            ('ingestion_job', 'r', 'timestamp with time zone', 'plan_sealed_at controller_expires_at created_at updated_at '
                || 'finished_at'),
            ('ingestion_job', 'r', 'uuid', 'controller_token last_request_id'),
            ('ingestion_batch', 'r', 'bigint', 'id job_id'),
            ('ingestion_batch', 'r', 'integer', 'batch_number round record_count attempt retry_count processed_count '
                || 'skipped_count failed_count missing_count moved_count'),
            ('ingestion_batch', 'r', 'text', 'status worker_id last_outcome error_code error_message'),
            ('ingestion_batch', 'r', 'timestamp with time zone', 'next_retry_at claimed_at lease_expires_at deadline_at '
                || 'created_at updated_at finished_at'),
            ('ingestion_batch', 'r', 'uuid', 'claim_id'),
            ('ingestion_batch_ids', 'r', 'bigint', 'job_id'),
            ('ingestion_batch_ids', 'r', 'integer', 'batch_number'),
            ('ingestion_batch_ids', 'r', 'bigint[]', 'record_ids'),
            ('ingestion_failure', 'r', 'bigint', 'job_id record_id'),
            ('ingestion_failure', 'r', 'integer', 'batch_number attempt times'),
            ('ingestion_failure', 'r', 'text', 'stage code message'),
            ('ingestion_failure', 'r', 'boolean', 'permanent'),
            ('ingestion_failure', 'r', 'timestamp with time zone', 'first_at last_at resolved_at'),
            ('ingestion_counter', 'r', 'bigint', 'job_id completed_batches failed_batches in_flight processed skipped '
                || 'failed missing claims retries reaps releases defers'),
            ('ingestion_counter', 'r', 'smallint', 'shard'),
            ('ingestion_event', 'r', 'bigint', 'id job_id'),
            ('ingestion_event', 'r', 'timestamp with time zone', 'at'),
            ('ingestion_event', 'r', 'integer', 'batch_number attempt'),
            ('ingestion_event', 'r', 'uuid', 'claim_id'),
            ('ingestion_event', 'r', 'text', 'worker_id kind'),
            ('ingestion_event', 'r', 'jsonb', 'detail'),
            ('ingestion_quota', 'r', 'text', 'quota stop_reason'),
            ('ingestion_quota', 'r', 'bigint', 'tokens_per_minute requests_per_minute'),
            ('ingestion_quota', 'r', 'double precision', 'share unit_factor'),
            ('ingestion_quota', 'r', 'interval', 'burst'),
            ('ingestion_quota', 'r', 'timestamp with time zone', 'tokens_arrival_at requests_arrival_at pause_until cut_at'),
            ('ingestion_runner', 'r', 'bigint', 'job_id batches records records_per_minute marked_records'),
            ('ingestion_runner', 'r', 'text', 'runner host state service reason'),
            ('ingestion_runner', 'r', 'integer', 'workers held'),
            ('ingestion_runner', 'r', 'timestamp with time zone', 'since until started_at seen marked_at'),
            ('ingestion_progress', 'v', 'bigint', 'job_id total_records'),
            ('ingestion_workers', 'v', 'bigint', 'job_id batches_done'),
            ('ingestion_failure_groups', 'v', 'bigint', 'job_id records'),
            ('ingestion_batch_full', 'v', 'bigint', 'id job_id'),
            ('ingestion_batch_full', 'v', 'integer', 'batch_number'),
            ('ingestion_batch_full', 'v', 'bigint[]', 'record_ids')
    ), wanted AS (
        SELECT s.relation, s.kind, s.type, c.name FROM shape s, string_to_table(s.columns, ' ') c (name)
    ), call (name, arguments) AS (VALUES
            ('schema_version', ''),
            ('open_ingestion_job', 'p_target_key text, p_config_hash text, p_config jsonb, p_settings jsonb, '
                || 'p_controller_id text, p_token uuid, p_start boolean'),
            ('join_ingestion_job', 'p_job bigint, p_config_hash text, p_controller_id text, p_token uuid'),
            ('add_ingestion_servers', 'p_job bigint, p_servers jsonb'),
            ('renew_controller', 'p_job bigint, p_epoch integer, p_token uuid'),
            ('append_ingestion_batches', 'p_job bigint, p_epoch integer, p_token uuid, p_expected_cursor bigint, '
                || 'p_batches jsonb'),
            ('seal_ingestion_plan', 'p_job bigint, p_epoch integer, p_token uuid, p_expected_cursor bigint, '
                || 'p_upper bigint, p_source_count bigint'),
            ('claim_next_batch', 'p_job bigint, p_worker text, p_claim_id uuid, p_limit integer, p_config_hash text, '
                || 'p_floor jsonb'),
            ('bump_batch_progress', 'p_job bigint, p_worker text, p_items jsonb'),
            ('finish_batch', 'p_job bigint, p_batch_number integer, p_attempt integer, p_claim_id uuid, p_outcome text, '
                || 'p_counts jsonb, p_failed_records jsonb, p_retry_after_ms bigint, p_error jsonb'),
            ('reset_stuck_batches', 'p_job bigint, p_limit integer, p_full boolean'),
            ('get_ingestion_job_stats', 'p_job bigint'),
            ('get_ingestion_job_stats_exact', 'p_job bigint'),
            ('control_ingestion_job', 'p_job bigint, p_action text, p_reason text'),
            ('finalize_ingestion_job', 'p_job bigint'),
            ('release_ingestion_batches', 'p_job bigint, p_filter jsonb, p_limit integer, p_dry_run boolean'),
            ('recount_ingestion_job', 'p_job bigint'),
            ('requeue_failed_batches', 'p_job bigint, p_request_id uuid, p_filter jsonb, p_isolate boolean, '
                || 'p_limit integer'),
            ('requeue_failed_records', 'p_job bigint, p_request_id uuid, p_filter jsonb, p_batch_size integer, '
                || 'p_limit integer'),
            ('reserve_quota', 'p_quota text, p_cost bigint, p_max_wait_ms bigint'),
            ('report_quota', 'p_quota text, p_report jsonb'),
            ('list_ingestion_quotas', 'p_after text, p_limit integer'),
            ('reset_ingestion_quota', 'p_quota text'),
            ('list_ingestion_jobs', 'p_job bigint, p_filter jsonb, p_after bigint, p_limit integer'),
            ('list_ingestion_batches', 'p_job bigint, p_filter jsonb, p_after integer, p_limit integer'),
            ('list_ingestion_failures', 'p_job bigint, p_filter jsonb, p_after bigint, p_limit integer'),
            ('list_ingestion_events', 'p_job bigint, p_filter jsonb, p_after bigint, p_limit integer'),
            ('report_runner', 'p_job bigint, p_runner text, p_report jsonb'),
            ('list_ingestion_runners', 'p_job bigint, p_filter jsonb, p_after text, p_limit integer'),
            ('delete_ingestion_job', 'p_job bigint, p_limit integer, p_older_than_ms bigint'),
            ('delete_ingestion_events', 'p_job bigint, p_limit integer, p_older_than_ms bigint'),
            ('list_ingestion_retention', 'p_after bigint, p_limit integer'),
            ('get_ingestion_job_rows', 'p_job bigint')
    ), index_of (name, relation) AS (VALUES
            ('ingestion_job_open', 'ingestion_job'),
            ('ingestion_job_opened_token', 'ingestion_job'),
            ('ingestion_batch_claimable', 'ingestion_batch'),
            ('ingestion_batch_in_flight', 'ingestion_batch'),
            ('ingestion_batch_given_up', 'ingestion_batch'),
            ('ingestion_failure_batch', 'ingestion_failure'),
            ('ingestion_failure_open', 'ingestion_failure')
    ), named AS (
        SELECT c.oid, c.relname, c.relkind::text AS kind, w.kind AS wanted_kind
        FROM (SELECT DISTINCT relation, kind FROM wanted) w
        JOIN pg_class c ON c.relname = w.relation AND c.relnamespace = 'public'::regnamespace
    ), strange AS (
        SELECT n.oid, CASE WHEN n.kind <> n.wanted_kind THEN '' ELSE (
            SELECT CASE WHEN a.attnum IS NULL THEN 'it has no column ' || w.name
                ELSE format('its column %s is %s, not %s', w.name, format_type(a.atttypid, NULL), w.type) END
            FROM wanted w LEFT JOIN pg_attribute a ON a.attrelid = n.oid AND a.attname = w.name AND NOT a.attisdropped
            WHERE w.relation = n.relname AND format_type(a.atttypid, NULL) IS DISTINCT FROM w.type
            ORDER BY a.attnum NULLS LAST, w.name LIMIT 1) END AS why
        FROM named n
    ), older AS (
        SELECT s.oid, s.why FROM strange s WHERE s.why IS NOT NULL
        UNION ALL
        SELECT c.oid, '' FROM index_of i JOIN pg_class c ON c.relname = i.name AND c.relnamespace = 'public'::regnamespace
        WHERE NOT EXISTS (SELECT 1 FROM pg_index x WHERE x.indexrelid = c.oid
            AND x.indrelid = to_regclass(format('public.%I', i.relation)))
        UNION ALL
        SELECT c.oid, '' FROM pg_class c JOIN (VALUES ('ingestion_job'), ('ingestion_batch'), ('ingestion_event')) t (name)
            ON c.relname = t.name || '_id_seq' AND c.relnamespace = 'public'::regnamespace
        WHERE NOT EXISTS (SELECT 1 FROM pg_depend d WHERE d.classid = 'pg_class'::regclass AND d.objid = c.oid
            AND d.deptype = 'i' AND d.refobjid = to_regclass(format('public.%I', t.name)))
    ), attached AS ( -- What belongs to an older table and may have one of our names.
        SELECT x.indexrelid AS oid FROM pg_index x JOIN older o ON o.oid = x.indrelid
        UNION
        SELECT d.objid FROM pg_depend d JOIN older o ON d.refclassid = 'pg_class'::regclass AND d.refobjid = o.oid
        JOIN pg_class c ON c.oid = d.objid AND c.relkind = 'S'
        WHERE d.classid = 'pg_class'::regclass AND d.deptype IN ('a', 'i')
    ), found (place, oid, kind, name, label, owner, why) AS (
        SELECT CASE WHEN c.relkind IN ('i', 'I', 'S') THEN 3 ELSE 2 END, c.oid, c.relkind::text, c.relname::text,
            CASE c.relkind WHEN 'r' THEN 'table' WHEN 'p' THEN 'table' WHEN 'v' THEN 'view' WHEN 'm' THEN 'materialized view'
                WHEN 'f' THEN 'foreign table' WHEN 'S' THEN 'sequence' WHEN 'c' THEN 'type' ELSE 'index' END
                || ' ' || c.relname, c.relowner, o.why
        FROM pg_class c JOIN (
            SELECT u.oid, max(u.why) AS why FROM (SELECT * FROM older UNION ALL SELECT a.oid, NULL FROM attached a) u GROUP BY u.oid
        ) o ON o.oid = c.oid
        UNION ALL -- Before the tables, which are in the signatures of some.
        SELECT 1, p.oid, 'function', p.proname::text, format('function %s(%s)', p.proname, oidvectortypes(p.proargtypes)),
            p.proowner, ''
        FROM pg_proc p
        WHERE p.pronamespace = 'public'::regnamespace AND (
            p.proname IN (SELECT name FROM call) AND NOT (p.prokind = 'f' AND p.prorettype = 'jsonb'::regtype
                AND NOT p.proretset AND (p.proname::text, pg_get_function_identity_arguments(p.oid)) IN (SELECT * FROM call))
            -- Functions of `migrate` that an earlier installation without this check put beside older tables.
            OR p.proname LIKE 'ingestion\_%' AND p.proconfig::text LIKE '%search_path=%' AND EXISTS (
                SELECT 1 FROM older o JOIN pg_class c ON c.oid = o.oid WHERE c.reltype <> 0
                    AND c.reltype = ANY (p.proargtypes::oid[] || p.proallargtypes || p.prorettype)))
        UNION ALL
        SELECT 2, t.oid, 'type', t.typname::text, 'type ' || t.typname, t.typowner, '' FROM pg_type t
        WHERE t.typnamespace = 'public'::regnamespace AND t.typrelid = 0 AND t.typname IN (SELECT relation FROM wanted)
    )
    SELECT jsonb_agg(jsonb_build_object('oid', f.oid::bigint, 'kind', f.kind, 'name', f.name, 'label', f.label,
        'owner', f.owner::regrole::text, 'is_owned', pg_has_role(f.owner, 'USAGE'), 'why', f.why) ORDER BY f.place, f.label)
    INTO v_older FROM found f;

    IF v_older IS NULL THEN
        SELECT format('the tables of the job tracking belong to the role %s: install as that role, or as a superuser; nothing was '
            'changed', c.relowner::regrole) INTO v_what
        FROM pg_class c WHERE c.oid = to_regclass('public.ingestion_job') AND NOT pg_has_role(c.relowner, 'USAGE');
        IF v_what IS NOT NULL AND v_mode <> 'look' THEN
            RAISE EXCEPTION USING ERRCODE = '42501', MESSAGE = v_what;
        END IF;
        RETURN;
    END IF;

    FOR v_object IN
        SELECT o.* FROM jsonb_to_recordset(v_older) o (oid bigint, kind text, label text, why text) WHERE o.why IS NOT NULL
        ORDER BY o.kind = 'function', o.kind = 'S', o.label
    LOOP
        v_what := NULL;
        IF v_object.kind IN ('r', 'p', 'm') THEN
            IF has_table_privilege(v_object.oid::oid, 'SELECT') AND NOT row_security_active(v_object.oid::oid) THEN
                EXECUTE format('SELECT count(*) FROM (SELECT FROM %s LIMIT 1000001) s', v_object.oid::oid::regclass) INTO v_rows;
                v_what := CASE WHEN v_rows > 1000000 THEN 'more than 1000000 rows' WHEN v_rows = 1 THEN '1 row'
                    ELSE v_rows || ' rows' END;
            ELSE
                v_what := 'rows that this role may not count';
            END IF;
        END IF;
        v_what := concat_ws('; ', v_what, nullif(v_object.why, ''));
        v_list := v_list || (v_object.label || CASE v_what WHEN '' THEN '' ELSE format(' (%s)', v_what) END);
    END LOOP;
    PERFORM set_config('migrate.older_tables', to_jsonb(v_list)::text, true);
    IF v_mode = 'look' THEN
        RETURN;
    ELSIF v_mode <> 'on' THEN
        RAISE EXCEPTION USING ERRCODE = '22023', MESSAGE = format('in the schema public there is what migrate has not made: %s; '
            'nothing was changed. `migrate setup --rename-older-tables` installs after giving it the suffix _old; for Supabase''s SQL '
            'editor, `migrate setup --print-sql --rename-older-tables` prints that', array_to_string(v_list, ', '));
    END IF;

    SELECT string_agg(DISTINCT format('%s belongs to the role %s', o.label, o.owner), ', ') INTO v_what
    FROM jsonb_to_recordset(v_older) o (label text, owner text, is_owned boolean) WHERE NOT o.is_owned;
    IF v_what IS NOT NULL THEN
        RAISE EXCEPTION USING ERRCODE = '42501', MESSAGE = format('%s, which alone may rename it: nothing was changed; rename it as '
            'that role or as a superuser, then run `migrate setup`', v_what);
    END IF;
    -- Every name in the job tracking is shorter than this; the name of an index may be longer.
    SELECT string_agg(left(o.name, 59) || '_old', ', ' ORDER BY o.name) INTO v_what
    FROM jsonb_to_recordset(v_older) o (oid bigint, kind text, name text)
    WHERE CASE o.kind
        WHEN 'function' THEN EXISTS (SELECT 1 FROM pg_proc p, pg_proc q WHERE p.oid = o.oid::oid
            AND q.pronamespace = p.pronamespace AND q.proname = left(o.name, 59) || '_old' AND q.proargtypes = p.proargtypes)
        ELSE EXISTS (SELECT 1 FROM pg_class c WHERE c.relnamespace = 'public'::regnamespace
                AND c.relname = left(o.name, 59) || '_old')
            OR EXISTS (SELECT 1 FROM pg_type t WHERE t.typnamespace = 'public'::regnamespace
                AND t.typname = left(o.name, 59) || '_old') END;
    IF v_what IS NOT NULL THEN
        RAISE EXCEPTION USING ERRCODE = '22023', MESSAGE = format('the older tables cannot be renamed, because these names are taken '
            'in the schema public: %s; nothing was changed: rename or drop what has them', v_what);
    END IF;

    -- As in 001: a transaction that waits for a call that waits for us gives way.
    SELECT string_agg(o.oid::oid::regclass::text, ', ' ORDER BY o.name) INTO v_locks
    FROM jsonb_to_recordset(v_older) o (oid bigint, kind text, name text) WHERE o.kind IN ('r', 'p');
    PERFORM set_config('lock_timeout', '200ms', true);
    FOR v_try IN 1..30 LOOP
        BEGIN
            IF v_locks IS NOT NULL THEN
                EXECUTE format('LOCK TABLE %s IN ACCESS EXCLUSIVE MODE', v_locks);
            END IF;
            EXIT;
        EXCEPTION WHEN lock_not_available THEN
            IF v_try = 30 THEN
                RAISE EXCEPTION USING ERRCODE = '55P03', MESSAGE = 'another program has been using the older tables for 10 seconds: '
                    'nothing was changed; stop the programs of the earlier plan, then try again';
            END IF;
            PERFORM pg_sleep(0.05 + 0.2 * random());
        END;
    END LOOP;
    PERFORM set_config('lock_timeout', v_timeout, true);
    FOR v_object IN SELECT * FROM jsonb_to_recordset(v_older) o (oid bigint, kind text, name text, label text) LOOP
        EXECUTE CASE v_object.kind
            WHEN 'function' THEN format('ALTER ROUTINE %s RENAME TO %I', v_object.oid::oid::regprocedure,
                left(v_object.name, 59) || '_old')
            WHEN 'type' THEN format('ALTER %s %s RENAME TO %I', (SELECT CASE t.typtype WHEN 'd' THEN 'DOMAIN' ELSE 'TYPE' END
                FROM pg_type t WHERE t.oid = v_object.oid::oid), v_object.oid::oid::regtype, left(v_object.name, 59) || '_old')
            WHEN 'c' THEN format('ALTER TYPE public.%I RENAME TO %I', v_object.name, left(v_object.name, 59) || '_old')
            ELSE format('ALTER %s %s RENAME TO %I', CASE v_object.kind WHEN 'v' THEN 'VIEW' WHEN 'm' THEN 'MATERIALIZED VIEW'
                WHEN 'f' THEN 'FOREIGN TABLE' WHEN 'S' THEN 'SEQUENCE' WHEN 'i' THEN 'INDEX' WHEN 'I' THEN 'INDEX' ELSE 'TABLE' END,
                v_object.oid::oid::regclass, left(v_object.name, 59) || '_old') END;
    END LOOP;
    RAISE NOTICE 'renamed, with the suffix _old: %', array_to_string(v_list, ', ');
END
$$;
