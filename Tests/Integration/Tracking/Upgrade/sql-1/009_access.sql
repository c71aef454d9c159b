-- Job tracking, 9 of 9: the version, and who may do what.

-- What is installed. Clients refuse a version they do not know; also the probe for PostgREST's schema cache.
CREATE OR REPLACE FUNCTION public.schema_version() RETURNS jsonb
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = '' SET lock_timeout = '2s' AS $$
    SELECT '{"version": 1, "min_client": 1}'::jsonb
$$;

-- service_role is the role behind Supabase's secret keys; a plain PostgreSQL does not have it. It needs BYPASSRLS to read
-- the tables. Where we may not create roles, the owner of the functions can still call them. PostgREST obeys the timeout
-- of the role; over libpq the connection sets its own.
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
        NULL; -- created by somebody else at this moment
END
$$;

-- Functions may be executed by everybody unless that is revoked, and Supabase grants everything in `public` to anon,
-- authenticated and service_role by name: revoke from each where it exists, then grant what is meant.
DO $$
DECLARE
    v_api constant text[] := ARRAY[
        'schema_version', 'open_ingestion_job', 'renew_controller', 'append_ingestion_batches', 'seal_ingestion_plan',
        'claim_next_batch', 'bump_batch_progress', 'finish_batch', 'reset_stuck_batches', 'get_ingestion_job_stats',
        'get_ingestion_job_stats_exact', 'control_ingestion_job', 'finalize_ingestion_job', 'requeue_failed_batches',
        'requeue_failed_records', 'reserve_quota', 'report_quota', 'list_ingestion_jobs', 'list_ingestion_batches',
        'list_ingestion_failures', 'list_ingestion_events'];
    v_roles text := 'PUBLIC';
    v_role text;
    v_item record;
    v_service boolean := EXISTS (SELECT 1 FROM pg_catalog.pg_roles WHERE rolname = 'service_role');
BEGIN
    FOR v_role IN SELECT rolname FROM pg_catalog.pg_roles
        WHERE rolname IN ('anon', 'authenticated', 'service_role') LOOP
        v_roles := v_roles || ', ' || quote_ident(v_role);
    END LOOP;
    FOR v_item IN -- our tables, the view, and the sequences behind the identity columns
        SELECT c.oid::regclass AS name, c.relkind FROM pg_catalog.pg_class c
        WHERE c.relnamespace = 'public'::regnamespace AND c.relname LIKE 'ingestion\_%' AND c.relkind IN ('r', 'v', 'S')
    LOOP
        EXECUTE format('REVOKE ALL ON %s %s FROM %s', CASE v_item.relkind WHEN 'S' THEN 'SEQUENCE' ELSE 'TABLE' END,
            v_item.name, v_roles);
        IF v_service AND v_item.relkind <> 'S' THEN
            EXECUTE format('GRANT SELECT ON TABLE %s TO service_role', v_item.name);
        END IF;
    END LOOP;
    FOR v_item IN
        SELECT p.oid::regprocedure AS name, p.proname FROM pg_catalog.pg_proc p
        WHERE p.pronamespace = 'public'::regnamespace AND (p.proname LIKE 'ingestion\_%' OR p.proname = ANY (v_api))
    LOOP
        EXECUTE format('REVOKE ALL ON FUNCTION %s FROM %s', v_item.name, v_roles);
        IF v_service AND v_item.proname = ANY (v_api) THEN
            EXECUTE format('GRANT EXECUTE ON FUNCTION %s TO service_role', v_item.name);
        END IF;
    END LOOP;
    IF v_service THEN
        GRANT USAGE ON SCHEMA public TO service_role;
    END IF;
END
$$;

-- PostgREST reads the functions again; poll schema_version until it answers.
NOTIFY pgrst, 'reload schema';
