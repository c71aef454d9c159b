import Conformance
import Invariants
import Migration
import Testing

@testable import Adapters

extension TrackingDatabase {
    /// Replaces time and chance in the functions by what a table says: `moment` sets both.
    func makeTimeReplayable() async throws {
        try await run(
            """
            CREATE TABLE public.test_moment (now timestamptz NOT NULL, chance double precision NOT NULL);
            INSERT INTO public.test_moment VALUES ('2026-01-01T00:00:00Z', 0);
            CREATE OR REPLACE FUNCTION public.ingestion_now() RETURNS timestamptz LANGUAGE sql STABLE
            SET search_path = pg_catalog, pg_temp AS 'SELECT now FROM public.test_moment';
            CREATE OR REPLACE FUNCTION public.ingestion_clock() RETURNS timestamptz LANGUAGE sql VOLATILE
            SET search_path = pg_catalog, pg_temp AS 'SELECT now FROM public.test_moment';
            CREATE OR REPLACE FUNCTION public.ingestion_random() RETURNS double precision LANGUAGE sql VOLATILE
            SET search_path = pg_catalog, pg_temp AS 'SELECT chance FROM public.test_moment';
            GRANT SELECT ON public.test_moment TO PUBLIC
            """
        )
    }

    /// Sets time and chance, and tells the number of the next event.
    ///
    /// Also gives back the numbers that calls without effect drew from the sequences, so that a job or an event has the
    /// same number on every store.
    static func moment(at microseconds: Int64, chance: Double) -> String {
        """
        UPDATE public.test_moment SET chance = \(chance),
            now = timestamptz '2026-01-01T00:00:00Z' + \(microseconds) * interval '1 us';
        SELECT setval('public.ingestion_event_id_seq', (SELECT coalesce(max(id), 0) + 1 FROM public.ingestion_event), false),
            setval('public.ingestion_job_id_seq', (SELECT coalesce(max(id), 0) + 1 FROM public.ingestion_job), false)
        """
    }
}

/// A real database on which histories are replayed, one after the other.
struct DatabaseStage: HistoryStage {
    let store: any JobStore
    private let director: PostgresConnection

    /// - Parameters:
    ///   - database: with replayable time.
    ///   - store: the way in which the calls reach it.
    /// - Throws: when the server's address is no address.
    init(_ database: TrackingDatabase, through store: any JobStore) throws {
        self.store = store
        director = PostgresConnection(try database.login)
    }

    /// Forgets everything: the beginning of a history.
    func clear() async throws {
        // The tables are small: quicker than TRUNCATE.
        _ = try await director.run(
            """
            DELETE FROM public.ingestion_job; DELETE FROM public.ingestion_failure; DELETE FROM public.ingestion_counter;
            DELETE FROM public.ingestion_event; DELETE FROM public.ingestion_quota
            """
        )
    }

    func prepare(_ step: RecordedStep) async throws -> Int64 {
        let rows = try await director.run(TrackingDatabase.moment(at: step.at, chance: step.chance))
        return try #require(rows.last?.first.flatMap { $0 }.flatMap { Int64($0) }) - 1
    }
}
