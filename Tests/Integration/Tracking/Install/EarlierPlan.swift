/// What the first plan of this migration let people create in Supabase: other tables and functions with the names of ours.
enum EarlierPlan {
    static let job = """
        CREATE TABLE public.ingestion_job (
            id UUID PRIMARY KEY DEFAULT gen_random_uuid(),
            status VARCHAR(20) NOT NULL DEFAULT 'pending' CHECK (status IN ('pending', 'running', 'completed', 'failed')),
            total_batches INTEGER NOT NULL DEFAULT 0,
            completed_batches INTEGER NOT NULL DEFAULT 0,
            failed_batches INTEGER NOT NULL DEFAULT 0,
            total_records INTEGER NOT NULL DEFAULT 0,
            processed_records INTEGER NOT NULL DEFAULT 0,
            failed_records INTEGER NOT NULL DEFAULT 0,
            created_at TIMESTAMPTZ NOT NULL DEFAULT NOW(),
            updated_at TIMESTAMPTZ NOT NULL DEFAULT NOW(),
            metadata JSONB DEFAULT '{}'
        );
        INSERT INTO public.ingestion_job (total_batches) VALUES (1), (2), (3);
        """

    static let batch = """
        CREATE TABLE public.ingestion_batch (
            id BIGSERIAL PRIMARY KEY,
            job_id UUID NOT NULL,
            batch_number INTEGER NOT NULL,
            start_id BIGINT NOT NULL,
            end_id BIGINT NOT NULL,
            record_ids BIGINT[] NOT NULL,
            status VARCHAR(20) NOT NULL DEFAULT 'pending',
            worker_id VARCHAR(100),
            claimed_at TIMESTAMPTZ,
            processed_count INTEGER NOT NULL DEFAULT 0,
            failed_count INTEGER NOT NULL DEFAULT 0,
            retry_count INTEGER NOT NULL DEFAULT 0,
            next_retry_at TIMESTAMPTZ,
            error_message TEXT,
            created_at TIMESTAMPTZ NOT NULL DEFAULT NOW(),
            updated_at TIMESTAMPTZ NOT NULL DEFAULT NOW(),
            UNIQUE (job_id, batch_number)
        );
        CREATE INDEX idx_ingestion_batch_job_id ON public.ingestion_batch (job_id);
        CREATE INDEX idx_ingestion_batch_status ON public.ingestion_batch (status);
        CREATE INDEX idx_ingestion_batch_claim ON public.ingestion_batch (status, claimed_at);
        CREATE INDEX idx_ingestion_batch_retry ON public.ingestion_batch (status, next_retry_at);
        INSERT INTO public.ingestion_batch (job_id, batch_number, start_id, end_id, record_ids)
        SELECT gen_random_uuid(), n, n, n, ARRAY[n] FROM generate_series(1, 1204) n;
        """

    static let functions = """
        CREATE FUNCTION public.claim_next_batch(p_job_id UUID, p_worker_id TEXT) RETURNS TABLE (id BIGINT, record_ids BIGINT[])
        LANGUAGE plpgsql AS $$ BEGIN RETURN QUERY SELECT 1::bigint, '{1}'::bigint[]; END $$;
        CREATE FUNCTION public.bump_batch_progress(p_batch_id BIGINT, p_processed INTEGER, p_failed INTEGER) RETURNS VOID
        LANGUAGE plpgsql AS $$ BEGIN END $$;
        CREATE FUNCTION public.reset_stuck_batches(p_job_id UUID, p_timeout_minutes INTEGER DEFAULT 10) RETURNS INTEGER
        LANGUAGE sql AS 'SELECT 0';
        CREATE FUNCTION public.get_ingestion_job_stats(p_job_id UUID) RETURNS JSON LANGUAGE sql AS $$ SELECT '{}'::json $$;
        """

    static let whole = job + batch + functions
}
