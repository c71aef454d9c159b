import Fakes
import Foundation
import Migration
import Testing

@testable import Adapters

/// What a person does to a job from another terminal, through the program itself.
@Suite(.needs(.mysql, .postgres, .qdrant, .vocabulary), .serialized, .timeLimit(.minutes(5)))
struct `Operators` {
    @Test(arguments: [`The whole job`.Transport.libpq, .file])
    func `pause, resume and cancel a job, and are told what is not possible any more`(
        transport: `The whole job`.Transport
    ) async throws {
        try await Stage.use(transport, records: 12, ["BATCH_SIZE": "5", "SHUTDOWN_GRACE_SECONDS": "1"]) { stage in
            try await stage.migrate("setup", "--yes")
            try await stage.migrate("pause", exit: 1, saying: ["there is no job yet"])
            try await Self.leaveUnfinished(stage)
            try await stage.migrate("pause", "--reason", "night shift", saying: ["Job 1 is paused."])
            try await stage.migrate("pause", "--json", saying: [#""result":"unchanged""#])
            try await stage.migrate("status", saying: ["paused"])
            try await stage.migrate("resume", saying: ["Job 1 is running."])
            try await stage.migrate("jobs", "--open", saying: ["running"])
            try await stage.migrate(
                "cancel",
                exit: 64,
                saying: [
                    "Cancel job 1 of ", "(running, 0 of 3 batches done, no worker alive) for good?",
                    "confirm with --yes",
                ]
            )
            try await stage.migrate("cancel", "--yes", "--reason", "wrong table", saying: ["Job 1 is cancelled."])
            try await stage.migrate("cancel", "--yes", saying: ["Job 1 was cancelled already."])
            try await stage.migrate("resume", exit: 1, saying: ["job 1 is cancelled: it cannot resume any more"])
            try await stage.migrate("retry", exit: 1, saying: ["job 1 was cancelled"])
            try await stage.migrate("status", "--watch", exit: 1, saying: ["cancelled"])
            try await stage.migrate("jobs", "--open", saying: ["No job is open."])
            try await stage.migrate("cancel", "--job", "7", "--yes", exit: 1, saying: ["there is no job 7"])
            let kinds = try await stage.history(job: 1).filter { $0.batchNumber == nil }.map(\.kind)
            #expect(kinds.suffix(3) == ["paused", "resumed", "cancelled"])
            try await stage.migrate("run", "--yes", saying: ["Job 2 opened.", "12 processed"])
        }
    }

    @Test func `see the quota of their account; the next run ends a long pause, and a reset forgets it`() async throws {
        try await Stage.use(.libpq, records: 12, ["OPENAI_TPM": "1000000", "OPENAI_ORG_ID": "org-1"]) { stage in
            try await stage.migrate("setup", "--yes")
            try await stage.migrate("quota", saying: ["No quota is known"])
            try await stage.migrate("run", "--yes", "--limit", "5", saying: ["5 processed"])
            try await stage.migrate("quota", saying: ["127.0.0.1:", "/org-1/", "1,000,000"])
            let pause = "UPDATE public.ingestion_quota SET pause_until = now() + interval '3 days'"
            try await stage.database.run(pause)
            try await stage.migrate("run", "--yes", "--new", saying: ["12 processed"])
            let left = "SELECT count(*) FROM public.ingestion_quota WHERE pause_until > now()"
            #expect(try await stage.database.run(left) == [["0"]])
            // Another account of the same server does not wait for this one, and has its own row.
            try await stage.database.run(pause)
            try await stage.migrate("run", "--yes", "--new", with: ["OPENAI_ORG_ID": "org-2"])
            #expect(try await stage.database.run(left) == [["1"]])
            let which = ["there are 2 such quotas", "/org-2/"]
            try await stage.migrate("quota", "reset", "--yes", exit: 64, saying: which)
            let names = try await stage.database.run("SELECT quota FROM public.ingestion_quota ORDER BY quota")
            for row in names {
                let name = try #require(row.first ?? nil)
                try await stage.migrate("quota", "reset", name, exit: 64, saying: ["confirm with --yes"])
                let words = ["The quota \(name) is forgotten."]
                try await stage.migrate("quota", "reset", name, "--yes", saying: words)
            }
            try await stage.migrate("quota", saying: ["No quota is known"])
        }
    }

    @Test(arguments: [`The whole job`.Transport.libpq, .file])
    func `see why records failed, by step, code and batch, and give one kind of them another try`(
        transport: `The whole job`.Transport
    ) async throws {
        let settings = ["BATCH_SIZE": "5", "MAX_RETRIES": "0", "MAX_RECORD_BYTES": "2000"]
        try await Stage.use(transport, records: 12, settings) { stage in
            try await stage.rows.run("INSERT INTO ip_summary VALUES (1, 'm', REPEAT('x', 3000)), (2, NULL, 'whose')")
            try await stage.migrate("setup", "--yes")
            try await stage.migrate("run", "--yes", exit: 1, saying: ["2 failed"])
            let all = try await stage.migrate("failures", "--json").out.split(separator: "\n")
            #expect(all.count == 2)
            let fetched = try await stage.migrate("failures", "--code", "too_long", "--batch", "0", "--json").out
            #expect(fetched.split(separator: "\n").count == 1)
            #expect(fetched.contains(#""record_id":1"#) && fetched.contains("more than MAX_RECORD_BYTES"))
            try await stage.migrate("failures", "--stage", "upsert", saying: ["has no such failures"])
            try await stage.migrate("failures", "--batch", "2", saying: ["has no such failures"])

            // No batch has failed: its records are listed as failures of a completed batch.
            try await stage.migrate("retry", "--batches", saying: ["no such failures"])
            try await stage.migrate("retry", "--records", "--code", "too_long", saying: ["1 record in 1 batch"])
            try await stage.migrate("failures", "--all", saying: ["given another try"])
            try await stage.rows.run("UPDATE ip_summary SET parse_content = 'short' WHERE id = 1")
            try await stage.migrate("run", "--resume", exit: 1, saying: ["13 processed", "1 failed"])
        }
    }

    /// Opens job 1 and ends its run before anything is done.
    private static func leaveUnfinished(_ stage: Stage) async throws {
        stage.embedder.update { $0.latency = .seconds(3600) }
        let ended = try await stage.migrate(["run", "--yes"]) { process in
            try await stage.wait { try await stage.stats(job: 1).processing > 0 }
            kill(process, SIGTERM)
        }
        #expect(ended.status == 75, "\(ended.error)")
        stage.embedder.update { $0.latency = .zero }
    }
}
