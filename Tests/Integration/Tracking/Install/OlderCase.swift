import Testing

/// Objects of another program under our names.
struct OlderCase: Sendable, CustomTestStringConvertible {
    let testDescription: String
    let sql: String
    /// What the sentence names.
    let says: [String]
    /// A query that finds what there was, after the renaming, and its answer.
    var keeps: (query: String, answer: String)?
    /// Whether our own SQL is there first.
    var isOver = false

    init(_ name: String, _ sql: String, says: [String], keeps: (String, String)? = nil, isOver: Bool = false) {
        (testDescription, self.sql, self.says, self.isOver) = (name, sql, says, isOver)
        self.keeps = keeps.map { (query: $0.0, answer: $0.1) }
    }

    static let all = [
        Self(
            "the first plan, with rows",
            EarlierPlan.whole,
            says: [
                "table ingestion_job (3 rows; its column id is uuid, not bigint)", "table ingestion_batch (1204 rows; ",
                "function claim_next_batch(uuid, text)", "function bump_batch_progress(bigint, integer, integer)",
                "function reset_stuck_batches(uuid, integer)", "function get_ingestion_job_stats(uuid)",
            ],
            keeps: ("SELECT count(*) FROM public.ingestion_batch_old WHERE end_id > 0", "1204")
        ),
        Self("only its jobs", EarlierPlan.job, says: ["table ingestion_job (3 rows"]),
        Self(
            "only its batches",
            EarlierPlan.batch,
            says: ["table ingestion_batch (1204 rows"],
            keeps: ("SELECT nextval('public.ingestion_batch_id_seq_old')", "1205")
        ),
        Self(
            "no rows",
            EarlierPlan.job + "DELETE FROM public.ingestion_job",
            says: ["table ingestion_job (0 rows; "]
        ),
        Self(
            "one row",
            EarlierPlan.job + "DELETE FROM public.ingestion_job WHERE total_batches > 1",
            says: ["table ingestion_job (1 row; "]
        ),
        Self("its functions alone", EarlierPlan.functions, says: ["function claim_next_batch(uuid, text)"]),
        Self(
            "a view",
            "CREATE VIEW public.ingestion_job AS SELECT 1 AS id",
            says: ["view ingestion_job"],
            keeps: ("SELECT id FROM public.ingestion_job_old", "1")
        ),
        Self(
            "a table in the place of our view",
            "CREATE TABLE public.ingestion_batch_full (id bigint, job_id bigint, batch_number integer, record_ids bigint[])",
            says: ["table ingestion_batch_full (0 rows)"]
        ),
        Self(
            "a materialized view",
            "CREATE MATERIALIZED VIEW public.ingestion_quota AS SELECT 'q'::text AS quota",
            says: ["materialized view ingestion_quota (1 row)"]
        ),
        Self(
            "a partitioned table",
            "CREATE TABLE public.ingestion_event (id bigint, at date) PARTITION BY RANGE (at)",
            says: ["table ingestion_event (0 rows)"]
        ),
        Self(
            "right names with other types",
            """
            CREATE TABLE public.ingestion_batch_ids (job_id bigint, batch_number integer, record_ids integer[],
                PRIMARY KEY (job_id, batch_number))
            """,
            says: ["table ingestion_batch_ids (0 rows; its column record_ids is integer[], not bigint[])"]
        ),
        Self(
            "ours without a column",
            "ALTER TABLE public.ingestion_event DROP COLUMN kind",
            says: ["table ingestion_event (0 rows; it has no column kind)"],
            isOver: true
        ),
        Self(
            "a function with our parameters and another result",
            "CREATE FUNCTION public.get_ingestion_job_stats(p_job bigint) RETURNS integer LANGUAGE sql AS 'SELECT 7'",
            says: ["function get_ingestion_job_stats(bigint)"],
            keeps: ("SELECT public.get_ingestion_job_stats_old(1)", "7")
        ),
        Self(
            "a function with our types and other names",
            "CREATE FUNCTION public.finalize_ingestion_job(job bigint) RETURNS jsonb LANGUAGE sql AS $$ SELECT '{}'::jsonb $$",
            says: ["function finalize_ingestion_job(bigint)"]
        ),
        Self(
            "an overload of ours",
            "CREATE FUNCTION public.finish_batch(p_job bigint) RETURNS integer LANGUAGE sql AS 'SELECT 1'",
            says: ["function finish_batch(bigint)"],
            isOver: true
        ),
        Self(
            "a procedure",
            "CREATE PROCEDURE public.finish_batch(p_job bigint) LANGUAGE sql AS 'SELECT 1'",
            says: ["function finish_batch(bigint)"]
        ),
        Self(
            "another program's version",
            "CREATE FUNCTION public.schema_version() RETURNS text LANGUAGE sql AS $$ SELECT '2024-01-01' $$",
            says: ["function schema_version()"],
            keeps: ("SELECT public.schema_version_old()", "2024-01-01")
        ),
        Self(
            "an index of another table",
            "CREATE TABLE public.mine (a integer); CREATE INDEX ingestion_batch_claimable ON public.mine (a)",
            says: ["index ingestion_batch_claimable"]
        ),
        Self(
            "a sequence",
            "CREATE SEQUENCE public.ingestion_job_id_seq",
            says: ["sequence ingestion_job_id_seq"]
        ),
        Self(
            "types",
            """
            CREATE TYPE public.ingestion_quota AS ENUM ('a'); CREATE DOMAIN public.ingestion_event AS text;
            CREATE TYPE public.ingestion_failure AS (a integer)
            """,
            says: ["type ingestion_quota", "type ingestion_event", "type ingestion_failure"]
        ),
        Self(
            "odd names of indexes",
            EarlierPlan.job + """
                CREATE INDEX "Old \"\" Index" ON public.ingestion_job (status);
                CREATE INDEX a_name_that_is_as_long_as_a_name_can_be_in_this_kind_of_databas ON public.ingestion_job (metadata);
                CREATE VIEW public.mine AS SELECT * FROM public.ingestion_job
                """,
            says: ["table ingestion_job (3 rows"],
            keeps: ("SELECT count(*) FROM public.mine", "3")
        ),
    ]
}
