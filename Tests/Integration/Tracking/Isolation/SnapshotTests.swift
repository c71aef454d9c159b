import Migration
import Testing

@testable import Adapters

/// A call decides on what it reads once it has its locks.
///
/// In a transaction whose statements all share one snapshot it would decide on what was true before.
@Suite(.needs(.postgres)) struct `Tracking calls in a transaction with one snapshot` {
    /// A job at work.
    private static func begin(in database: TrackingDatabase) async throws {
        for call in [TrackingCalls.open, TrackingCalls.append, TrackingCalls.seal] {
            try await database.run("SELECT public.\(call)")
        }
    }

    @Test(arguments: ["READ UNCOMMITTED", "READ COMMITTED", "REPEATABLE READ", "SERIALIZABLE"])
    func `are refused in words, but for those that only read`(level: String) async throws {
        let isRefused = ["REPEATABLE READ", "SERIALIZABLE"].contains(level)
        try await TrackingDatabase.use { database in
            try await Self.begin(in: database)
            let connection = PostgresConnection(try database.login)
            for call in TrackingCalls.all {
                _ = try await connection.run("BEGIN ISOLATION LEVEL \(level)")
                let failure = await trackingFailure { _ = try await connection.run("SELECT public.\(call)") }
                _ = try await connection.run("ROLLBACK")
                let reads = call.hasPrefix("list_") || call.hasPrefix("get_") || call.hasPrefix("schema_version")
                if isRefused && !reads {
                    #expect(failure?.code == "22023", "\(call)")
                    #expect(failure?.detail.contains("is \(level), but") == true, "\(call)")
                    #expect(failure?.detail.contains("call it in READ COMMITTED transactions") == true, "\(call)")
                } else {
                    #expect(failure?.detail.contains("READ COMMITTED") != true, "\(call)")
                    #expect(!reads || failure == nil, "\(call)")
                }
            }
        }
    }

    /// What the refusal is for (I8), and that version 1 did it.
    @Test(arguments: [false, true]) func `take no batch of a job that is paused`(older: Bool) async throws {
        try await TrackingDatabase.use(older: older) { database in
            try await Self.begin(in: database)
            let connection = PostgresConnection(try database.login)
            _ = try await connection.run("BEGIN ISOLATION LEVEL REPEATABLE READ; SELECT FROM public.ingestion_job")
            let paused = try await database.run(
                "SELECT public.control_ingestion_job(1, 'pause', 'why') ->> 'result'"
            )
            #expect(paused == [["applied"]])
            var taken: [[String?]] = []
            let call = TrackingCalls.claim(TrackingCalls.claim)
            let failure = await trackingFailure {
                taken = try await connection.run("SELECT jsonb_array_length(public.\(call) -> 'batches')")
            }
            #expect(taken == (older ? [["1"]] : []))
            #expect((failure == nil) == older)
        }
    }
}

/// Only the index that holds one open job per target says `conflict`: whatever else is doubled is told as it is.
@Suite(.needs(.postgres)) struct `A requeue that meets a duplicate` {
    /// Something that is not as our functions leave it, and the constraint that a requeue then breaks.
    struct Damage: Sendable, CustomTestStringConvertible {
        let testDescription: String
        let sql: String
        var isOfRecords = false
    }

    private static func trigger(_ table: String, _ event: String, _ using: String) -> String {
        """
        CREATE FUNCTION public.spoil() RETURNS trigger LANGUAGE plpgsql AS $$
        BEGIN
            RAISE unique_violation USING MESSAGE = 'spoilt'\(using);
        END
        $$;
        CREATE TRIGGER spoil BEFORE \(event) ON public.\(table) FOR EACH ROW EXECUTE FUNCTION public.spoil()
        """
    }

    private static let number = "UPDATE public.ingestion_job SET next_batch_number = 0"
    private static let batchId = "SELECT setval('public.ingestion_batch_id_seq', 1, false)"
    private static let eventId = "SELECT setval('public.ingestion_event_id_seq', 1, false)"

    private static let damages = [
        Damage(testDescription: "the next number of a batch", sql: number),
        Damage(testDescription: "the next number of a batch, records", sql: number, isOfRecords: true),
        Damage(testDescription: "the sequence of batches", sql: batchId),
        Damage(testDescription: "the sequence of batches, records", sql: batchId, isOfRecords: true),
        Damage(testDescription: "the sequence of events", sql: eventId),
        Damage(testDescription: "the sequence of events, records", sql: eventId, isOfRecords: true),
        Damage(
            testDescription: "an index of the user's",
            sql: "CREATE UNIQUE INDEX ingestion_job_open_2 ON public.ingestion_failure (job_id, resolved_at)"
        ),
        Damage(testDescription: "a trigger on batches", sql: trigger("ingestion_batch", "INSERT", "")),
        Damage(testDescription: "a trigger on the job", sql: trigger("ingestion_job", "UPDATE", "")),
        Damage(
            testDescription: "a trigger that names the index, of another table",
            sql: trigger(
                "ingestion_event",
                "INSERT",
                ", CONSTRAINT = 'ingestion_job_open', TABLE = 'ingestion_event', SCHEMA = 'public'"
            )
        ),
        Damage(
            testDescription: "a trigger that names the index, in another schema",
            sql: trigger(
                "ingestion_counter",
                "UPDATE",
                ", CONSTRAINT = 'ingestion_job_open', TABLE = 'ingestion_job', SCHEMA = 'other'"
            ),
            isOfRecords: true
        ),
    ]

    /// A job with a failed batch, and a batch that is completed with a dead letter.
    private static func begin(in database: TrackingDatabase) async throws {
        let calls = [
            TrackingCalls.open, TrackingCalls.append, TrackingCalls.seal,
            TrackingCalls.claim(TrackingCalls.claim, limit: 2), TrackingCalls.fail, TrackingCalls.complete,
        ]
        for call in calls { try await database.run("SELECT public.\(call)") }
    }

    @Test(arguments: damages)
    func `that nobody else's job explains fails, and changes nothing`(damage: Damage) async throws {
        try await TrackingDatabase.use { database in
            try await Self.begin(in: database)
            try await database.run(damage.sql)
            let rows = "SELECT status, attempt, moved_count FROM public.ingestion_batch ORDER BY batch_number"
            let before = try await database.run(rows)
            let call = damage.isOfRecords ? TrackingCalls.requeueRecords : TrackingCalls.requeueBatches
            let failure = await trackingFailure { try await database.run("SELECT public.\(call)") }
            #expect(failure?.code == "23505")
            #expect(try await database.run(rows) == before)
        }
    }

    @Test(arguments: [TrackingCalls.requeueBatches, TrackingCalls.requeueRecords])
    func `because another job of the target is opened at that moment is a conflict`(call: String) async throws {
        try await TrackingDatabase.use { database in
            try await Self.begin(in: database)
            try await database.makeLocksPatient()
            try await database.run("UPDATE public.ingestion_job SET status = 'failed', finished_at = now()")
            let other = PostgresConnection(try database.login)
            let open = TrackingCalls.open.replacing(TrackingCalls.token, with: TrackingCalls.claim)
            _ = try await other.run("BEGIN; SELECT public.\(open)")
            async let answer = database.run("SELECT public.\(call) ->> 'result'")
            let waits = """
                SELECT count(*) FROM pg_stat_activity
                WHERE datname = current_database() AND wait_event_type = 'Lock'
                """
            var isWaiting = false
            for _ in 0..<500 where !isWaiting { isWaiting = try await database.run(waits) == [["1"]] }
            #expect(isWaiting)
            _ = try await other.run("COMMIT")
            #expect(try await answer == [["conflict"]])
        }
    }
}
