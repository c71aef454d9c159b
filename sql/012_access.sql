-- Job tracking, 12 of 12: the version, and the grants.

-- The missing parts of this version, by kind and name: after an interrupted installation, a restored backup, or a
-- manual change. A test compares the lists with the catalogue.
CREATE OR REPLACE FUNCTION public.ingestion_missing() RETURNS text[]
LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    v_missing text[];
BEGIN
    WITH relation (name, columns) AS (VALUES
            ('ingestion_job', 'id target_key status config_hash config max_retries lease_seconds batch_timeout_seconds '
                || 'backoff_base_seconds backoff_cap_seconds record_events plan_cursor plan_upper plan_sealed_at '
                || 'source_count next_batch_number controller_id controller_epoch controller_token controller_expires_at '
                || 'total_batches total_records completed_batches failed_batches processed_records skipped_records '
                || 'failed_records missing_records current_round last_request_id last_request_result reason metadata '
                || 'created_at updated_at finished_at servers opened_token service_failures_baseline removed_baseline counted_at '
                || 'history_cut_at history_cut_id deletion'),
            ('ingestion_batch', 'id job_id batch_number round record_count status attempt retry_count next_retry_at '
                || 'claim_id worker_id claimed_at lease_expires_at deadline_at processed_count skipped_count '
                || 'failed_count missing_count moved_count last_outcome error_code error_message created_at updated_at '
                || 'finished_at'),
            ('ingestion_batch_ids', 'job_id batch_number record_ids'),
            ('ingestion_failure', 'job_id record_id batch_number attempt stage code message permanent first_at last_at '
                || 'times resolved_at'),
            ('ingestion_counter', 'job_id shard completed_batches failed_batches in_flight processed skipped failed '
                || 'missing claims retries reaps releases defers service_failures removed billed_tokens billed_nanodollars'),
            ('ingestion_event', 'id at job_id batch_number attempt claim_id worker_id kind detail'),
            ('ingestion_quota', 'quota tokens_per_minute requests_per_minute share unit_factor burst tokens_arrival_at '
                || 'requests_arrival_at pause_until cut_at stop_reason'),
            ('ingestion_batch_full', 'id job_id batch_number round record_count status attempt retry_count next_retry_at '
                || 'claim_id worker_id claimed_at lease_expires_at deadline_at processed_count skipped_count '
                || 'failed_count missing_count moved_count last_outcome error_code error_message created_at updated_at '
                || 'finished_at record_ids start_id end_id'),
            ('ingestion_runner', 'job_id runner host workers held batches records state service reason since until '
                || 'started_at seen records_per_minute marked_at marked_records'),
            ('ingestion_progress', 'job_id target_key status reason is_planned total_records records_done processed skipped '
                || 'failed missing total_batches completed_batches failed_batches batches_in_work percent runners workers '
                || 'last_sign_of_life records_per_minute remaining expected_end billed_tokens billed_dollars '
                || 'expected_tokens expected_dollars claims retries reaps releases defers started_at finished_at as_of'),
            ('ingestion_workers', 'job_id runner host workers batches_held batches_done records_done records_per_minute '
                || 'state service reason since waits_until started_at last_sign_of_life silent_for is_alive'),
            ('ingestion_failure_groups', 'job_id stage code records permanent_records example_record_id example_message '
                || 'first_at last_at')
    ), found AS (
        SELECT r.name, r.columns, to_regclass(format('public.%I', r.name)) AS oid FROM relation r
    )
    SELECT array_agg(m.what ORDER BY m.place, m.what) INTO v_missing FROM (
        SELECT 1 AS place, CASE WHEN f.name IN ('ingestion_batch_full', 'ingestion_progress', 'ingestion_workers',
            'ingestion_failure_groups') THEN 'view ' ELSE 'table ' END || f.name AS what
        FROM found f WHERE f.oid IS NULL
        UNION ALL
        SELECT 2, format('column %s.%s', f.name, c.name) FROM found f, string_to_table(f.columns, ' ') c (name)
        WHERE f.oid IS NOT NULL AND NOT EXISTS (SELECT 1 FROM pg_attribute a
            WHERE a.attrelid = f.oid AND a.attname = c.name AND NOT a.attisdropped)
        UNION ALL
        SELECT 3, 'index ' || i.name FROM string_to_table('ingestion_job_open ingestion_job_opened_token ingestion_batch_claimable '
                || 'ingestion_batch_in_flight ingestion_batch_given_up ingestion_failure_batch ingestion_failure_open', ' ') i (name)
        WHERE to_regclass(format('public.%I', i.name)) IS NULL
    ) m;
    IF to_regprocedure('public.ingestion_functions()') IS NULL THEN
        RETURN v_missing || 'function ingestion_functions()'::text;
    END IF;
    RETURN v_missing || ARRAY(
        SELECT 'function ' || f.signature FROM unnest(public.ingestion_functions()) f (signature)
        WHERE f.signature NOT IN (
            SELECT p.proname || '(' || oidvectortypes(p.proargtypes) || ')' FROM pg_proc p
            WHERE p.pronamespace = 'public'::regnamespace)
        ORDER BY f.signature);
END
$$;

-- The installed version, and its missing parts. Clients refuse a version that they do not know; also the probe for
-- PostgREST's schema cache.
CREATE OR REPLACE FUNCTION public.schema_version() RETURNS jsonb
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp SET lock_timeout = '2s' AS $$
    SELECT '{"version": 4, "min_client": 2}'::jsonb
        || jsonb_strip_nulls(jsonb_build_object('missing', nullif(to_jsonb(public.ingestion_missing()), '[]')))
$$;

-- service_role is the role behind Supabase's secret keys; a plain PostgreSQL does not have it. It needs BYPASSRLS to
-- read the tables. If we may not create roles, the owner of the functions can still call them. PostgREST obeys the
-- timeout of the role; over libpq the connection sets its own.
DO $$
BEGIN
    IF NOT EXISTS (SELECT 1 FROM pg_catalog.pg_roles WHERE rolname = 'service_role') THEN
        CREATE ROLE service_role NOLOGIN NOINHERIT BYPASSRLS;
        ALTER ROLE service_role SET statement_timeout = '8s'; -- as Supabase gives its own
    END IF;
EXCEPTION
    WHEN insufficient_privilege THEN
        RAISE NOTICE 'there is no role service_role and no right to create it: only the owner may call the functions';
    WHEN duplicate_object OR unique_violation THEN
        NULL; -- a concurrent installation has created it
END
$$;

-- By default every role may execute functions; Supabase also grants everything in `public` to anon, authenticated and
-- service_role by name, and other installations may grant to roles of their own. All of these lose their grants, and
-- then service_role gets its own, and ingestion_reader the right to read the tables and views and nothing else. Every
-- object is named in full: another program's tables and functions are not touched, whatever their names, and neither is
-- a grant on these objects that a person has given to another role. Nothing is written if nothing has to change.
DO $$
DECLARE
    v_api constant text[] := ARRAY[
        'schema_version()',
        'open_ingestion_job(text, text, jsonb, jsonb, text, uuid, boolean)',
        'join_ingestion_job(bigint, text, text, uuid)',
        'add_ingestion_servers(bigint, jsonb)',
        'renew_controller(bigint, integer, uuid)',
        'append_ingestion_batches(bigint, integer, uuid, bigint, jsonb)',
        'seal_ingestion_plan(bigint, integer, uuid, bigint, bigint, bigint)',
        'claim_next_batch(bigint, text, uuid, integer, text, jsonb)',
        'bump_batch_progress(bigint, text, jsonb)',
        'finish_batch(bigint, integer, integer, uuid, text, jsonb, jsonb, bigint, jsonb)',
        'reset_stuck_batches(bigint, integer, boolean)',
        'get_ingestion_job_stats(bigint)',
        'get_ingestion_job_stats_exact(bigint)',
        'control_ingestion_job(bigint, text, text)',
        'finalize_ingestion_job(bigint)',
        'release_ingestion_batches(bigint, jsonb, integer, boolean)',
        'recount_ingestion_job(bigint)',
        'requeue_failed_batches(bigint, uuid, jsonb, boolean, integer)',
        'requeue_failed_records(bigint, uuid, jsonb, integer, integer)',
        'reserve_quota(text, bigint, bigint)',
        'report_quota(text, jsonb)',
        'list_ingestion_quotas(text, integer)',
        'reset_ingestion_quota(text)',
        'list_ingestion_jobs(bigint, jsonb, bigint, integer)',
        'list_ingestion_batches(bigint, jsonb, integer, integer)',
        'list_ingestion_failures(bigint, jsonb, bigint, integer)',
        'list_ingestion_events(bigint, jsonb, bigint, integer)',
        'report_runner(bigint, text, jsonb)',
        'list_ingestion_runners(bigint, jsonb, text, integer)',
        'delete_ingestion_job(bigint, integer, bigint)',
        'delete_ingestion_events(bigint, integer, bigint)',
        'list_ingestion_retention(bigint, integer)',
        'get_ingestion_job_rows(bigint)'];
    v_internal constant text[] := ARRAY[
        'ingestion_add_round(public.ingestion_job, jsonb)',
        'ingestion_all_failed(public.ingestion_batch, text, text)',
        'ingestion_backoff(public.ingestion_job, integer)',
        'ingestion_brake_counters(bigint)',
        'ingestion_bury(public.ingestion_batch, jsonb)',
        'ingestion_check_counts(public.ingestion_batch, jsonb, jsonb)',
        'ingestion_check_filter(jsonb)',
        'ingestion_clock()',
        'ingestion_close(public.ingestion_job, public.ingestion_batch, text, text, jsonb, jsonb, text, text)',
        'ingestion_content_codes()',
        'ingestion_count(bigint, bigint, bigint, bigint, bigint, bigint, bigint, bigint, bigint, bigint, bigint, bigint, bigint)',
        'ingestion_count_brakes(bigint, bigint, bigint)',
        'ingestion_failed_batches(bigint, jsonb, integer[], integer)',
        'ingestion_failed_records(bigint, jsonb, bigint[], integer)',
        'ingestion_ids(jsonb)',
        'ingestion_functions()',
        'ingestion_is_meant(public.ingestion_batch, text, timestamptz, bigint[])',
        'ingestion_iso(timestamptz)',
        'ingestion_job_summary(public.ingestion_job)',
        'ingestion_lock_job(bigint, boolean)',
        'ingestion_log(public.ingestion_job, public.ingestion_batch, text, jsonb)',
        'ingestion_missing()',
        'ingestion_ms(timestamptz, timestamptz)',
        'ingestion_now()',
        'ingestion_quota_horizon(timestamptz)',
        'ingestion_quota_within(public.ingestion_quota, timestamptz)',
        'ingestion_random()',
        'ingestion_reopen(public.ingestion_job, public.ingestion_batch, text, interval, integer, text, text)',
        'ingestion_requeue_begin(bigint, uuid)',
        'ingestion_requeue_end(public.ingestion_job, uuid, integer, integer, integer, bigint)',
        'ingestion_require(boolean, text)',
        'ingestion_require_read_committed()',
        'ingestion_retained(public.ingestion_job, bigint)',
        'ingestion_servers(jsonb, jsonb)',
        'ingestion_service_failures(jsonb)',
        'ingestion_share(public.ingestion_quota, timestamptz)',
        'ingestion_take(public.ingestion_job, text, uuid, integer, timestamptz, integer)',
        'ingestion_take_control(public.ingestion_job, text, uuid)',
        'ingestion_wait_ms(timestamptz, timestamptz)',
        'ingestion_check_paid(jsonb)',
        'ingestion_copy_counters(bigint)',
        'ingestion_count_end(bigint, public.ingestion_batch, text, jsonb, jsonb)',
        'ingestion_give_back(public.ingestion_job, public.ingestion_batch, text, interval, integer, text, text, jsonb)'];
    v_readable constant text[] := ARRAY['ingestion_job', 'ingestion_batch', 'ingestion_batch_ids', 'ingestion_batch_full',
        'ingestion_failure', 'ingestion_counter', 'ingestion_event', 'ingestion_quota', 'ingestion_runner',
        'ingestion_progress', 'ingestion_workers', 'ingestion_failure_groups'];
    v_sequences constant text[] := ARRAY['ingestion_job_id_seq', 'ingestion_batch_id_seq', 'ingestion_event_id_seq'];
    v_functions text[];
    v_statement text;
BEGIN
    -- The same list for ingestion_missing, with the types as the server writes them out in full.
    PERFORM set_config('search_path', 'pg_catalog, pg_temp', true);
    CREATE OR REPLACE FUNCTION public.ingestion_functions() RETURNS text[]
    LANGUAGE sql IMMUTABLE SET search_path = pg_catalog, pg_temp AS 'SELECT NULL::text[]';
    SELECT array_agg(p.proname || '(' || oidvectortypes(p.proargtypes) || ')' ORDER BY p.proname) INTO v_functions
    FROM unnest(v_api || v_internal) n (name) JOIN pg_proc p ON p.oid = ('public.' || n.name)::regprocedure;
    EXECUTE format('CREATE OR REPLACE FUNCTION public.ingestion_functions() RETURNS text[] LANGUAGE sql IMMUTABLE '
        'SET search_path = pg_catalog, pg_temp AS %L', format('SELECT %L::text[]', v_functions));

    FOR v_statement IN
        WITH object (kind, name, owner, acl, wanted) AS (
            SELECT 'FUNCTION', p.oid::regprocedure::text, p.proowner, coalesce(p.proacl, acldefault('f', p.proowner)),
                CASE WHEN n.name = ANY (v_api) THEN 'EXECUTE' END
            FROM unnest(v_api || v_internal) n (name)
            JOIN pg_proc p ON p.oid = ('public.' || n.name)::regprocedure
            UNION ALL
            SELECT CASE c.relkind WHEN 'S' THEN 'SEQUENCE' ELSE 'TABLE' END, format('public.%I', c.relname), c.relowner,
                c.relacl, CASE WHEN c.relkind <> 'S' THEN 'SELECT' END
            FROM unnest(v_readable || v_sequences) n (name) JOIN pg_class c ON c.oid = ('public.' || n.name)::regclass
        ), granted (kind, name, wanted, role, privilege, is_meant) AS (
            SELECT o.kind, o.name, o.wanted, CASE g.grantee WHEN 0 THEN 'PUBLIC' ELSE g.grantee::regrole::text END,
                g.privilege_type, NOT g.is_grantable AND g.privilege_type = o.wanted
                    AND (r.rolname = 'service_role' OR r.rolname = 'ingestion_reader' AND o.wanted = 'SELECT')
            FROM object o, aclexplode(o.acl) g LEFT JOIN pg_roles r ON r.oid = g.grantee
            WHERE g.grantee <> o.owner AND (g.grantee = 0
                OR r.rolname IN ('anon', 'authenticated', 'service_role', 'ingestion_reader')
                OR EXISTS (
                    SELECT 1 FROM pg_default_acl d, aclexplode(d.defaclacl) a
                    WHERE d.defaclrole = o.owner AND d.defaclnamespace IN (0, 'public'::regnamespace)
                        AND a.grantee = g.grantee))
        )
        SELECT s.statement FROM (
            SELECT 1 AS place, format('REVOKE %s ON %s %s FROM %s', g.privilege, g.kind, g.name, g.role) AS statement
            FROM granted g WHERE g.is_meant IS NOT TRUE
            UNION ALL
            SELECT 2, format('GRANT %s ON %s %s TO %s', o.wanted, o.kind, o.name, r.rolname)
            FROM object o, pg_roles r
            WHERE (r.rolname = 'service_role' OR r.rolname = 'ingestion_reader' AND o.wanted = 'SELECT')
                AND o.wanted IS NOT NULL AND r.oid <> o.owner
                AND NOT EXISTS (SELECT 1 FROM granted g WHERE g.name = o.name AND g.role = r.rolname AND g.is_meant)
            UNION ALL
            SELECT 3, format('GRANT USAGE ON SCHEMA public TO %s', r.rolname) FROM pg_roles r
            WHERE r.rolname IN ('service_role', 'ingestion_reader') AND NOT has_schema_privilege(r.oid, 'public', 'USAGE')
        ) s ORDER BY s.place, s.statement
    LOOP
        EXECUTE v_statement;
    END LOOP;
END
$$;

-- PostgREST reads the functions again; poll schema_version until it answers.
NOTIFY pgrst, 'reload schema';
