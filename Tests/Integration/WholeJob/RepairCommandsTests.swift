import Fakes
import Foundation
import Migration
import Testing

@testable import Adapters

/// What a person does instead of SQL, through the program itself, while others are at work.
@Suite(.needs(.mysql, .postgres, .qdrant, .vocabulary), .serialized, .timeLimit(.minutes(5)))
struct `Repairing a job` {
    @Test(arguments: [`The whole job`.Transport.libpq, .file])
    func `release takes batches from workers that hang, which go on with them and lose nothing`(
        transport: `The whole job`.Transport
    ) async throws {
        let settings = ["BATCH_SIZE": "5", "WORKER_HEARTBEAT_INTERVAL": "1", "SHUTDOWN_GRACE_SECONDS": "1"]
        try await Stage.use(transport, records: 12, settings) { stage in
            try await stage.migrate("setup", "--yes")
            stage.embedder.update { $0.latency = .seconds(3600) }
            let ended = try await stage.migrate(["run", "--yes"]) { _ in
                try await stage.wait { try await stage.stats(job: 1).processing == 3 }
                let asked = [
                    "Release 3 batches with 12 records (3 of them have workers that report)?", "confirm with --yes",
                ]
                try await stage.migrate("release", "--older-than", "0s", exit: 64, saying: asked)
                try await stage.migrate("release", "--worker", "nobody", saying: ["no such batches at work"])
                stage.embedder.update { $0.latency = .zero }
                try await stage.migrate(
                    "release",
                    "--older-than",
                    "0s",
                    "--yes",
                    saying: ["3 batches may be claimed again."]
                )
            }
            #expect(ended.status == 0, "\(ended.error)")
            let stats = try await stage.stats(job: 1)
            #expect(stats.processed == 12 && stats.reaps == 3 && stats.retries == 3)
            try await stage.migrate("repair-counters", saying: ["The counters of job 1 are right."])
            try await stage.migrate("verify")
        }
    }

    @Test func `repair-counters says what SQL has broken, and the job is right again`() async throws {
        try await Stage.use(.libpq, records: 12, ["BATCH_SIZE": "5"]) { stage in
            try await stage.migrate("setup", "--yes")
            try await stage.migrate("run", "--yes", saying: ["12 processed"])
            try await stage.database.run("UPDATE public.ingestion_counter SET in_flight = in_flight + 1")
            let wrong = ["Corrected in job 1:", "processing: 16, now 0"]
            try await stage.migrate("repair-counters", saying: wrong)
            try await stage.migrate("repair-counters", "--json", saying: [#""changes":[]"#, #""is_right":true"#])
            try await stage.migrate("repair-counters", "--job", "7", exit: 1, saying: ["there is no job 7"])
        }
    }

    @Test func `setup leaves older tables alone, keeps them where that is wanted, and the job runs beside them`()
        async throws
    {
        try await Stage.use(.libpq, records: 12) { stage in
            try await stage.database.run("DROP SCHEMA public CASCADE; CREATE SCHEMA public; " + EarlierPlan.whole)
            let names = [
                "table ingestion_job (3 rows; ", "function claim_next_batch(uuid, text)", "Nothing was changed.",
            ]
            try await stage.migrate("setup", "--yes", exit: 77, saying: names)
            let count = "SELECT count(*) FROM pg_class WHERE relnamespace = 'public'::regnamespace"
            let before = try await stage.database.run(count)
            try await stage.migrate("setup", "--rename-older-tables", exit: 64, saying: ["confirm with --yes"])
            #expect(try await stage.database.run(count) == before)
            let points = try await stage.points().inspect(CollectionSchema(dimensions: 1_536))
            #expect(!points.exists)
            let renamed = try await stage.migrate("setup", "--rename-older-tables", "--yes", "--json")
            #expect(renamed.out.contains(#""renamed":["table ingestion_batch (1204 rows; "#))
            try await stage.migrate("setup", "--yes", "--json", saying: [#""renamed":[]"#])
            try await stage.migrate("run", "--yes", saying: ["12 processed"])
            #expect(try await stage.database.run("SELECT count(*) FROM public.ingestion_batch_old") == [["1204"]])
        }
    }
}
