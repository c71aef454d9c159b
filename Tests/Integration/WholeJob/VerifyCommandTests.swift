import Fakes
import Foundation
import Migration
import Testing

@testable import Adapters

/// With which code `migrate verify` ends, against real servers.
@Suite(.needs(.mysql, .postgres, .qdrant, .vocabulary), .serialized, .timeLimit(.minutes(5)))
struct `Verify, as people run it` {
    /// Another application writes into the payload of one point.
    private func write(_ payload: String, into point: StoredPoint, _ store: QdrantPointStore) async throws {
        let body = #"{"payload": \#(payload), "points": ["\#(point.id)"]}"#
        try await store.apply(.post, "/points/payload", Array(body.utf8))
    }

    private func document(_ ended: Program.Result) throws -> [String: Any] {
        try #require(try JSONSerialization.jsonObject(with: Data(ended.out.utf8)) as? [String: Any])
    }

    @Test func `a point that somebody has changed is found and repaired`() async throws {
        try await Stage.use(.libpq, records: 12, ["BATCH_SIZE": "5"]) { stage in
            try await stage.migrate("setup", "--yes")
            try await stage.migrate("run", "--yes")
            try await stage.migrate("verify", "--deep", saying: ["nothing is missing", "12 right"])
            let store = try stage.points()
            let id = try #require(try await stage.rows.values("SELECT id FROM ip_summary").compactMap(Int64.init).first)
            let points = try await store.points(of: [id], owner: stage.owner)
            let child = try #require(points.first { $0.kind == .child })

            for (payload, words) in [
                (#"{"member_code": "somebody-else"}"#, "1 point with another member_code"),
                (#"{"source": "shop.memos"}"#, "1 point with another source"),
                (#"{"chunk_index": 5}"#, "1 point with another record, type or place in it"),
                (#"{"checksum": "0"}"#, "1 point stale"),
            ] {
                try await write(payload, into: child, store)
                try await stage.migrate("verify", exit: 1, saying: ["something is wrong", "record \(id)", words])
                try await stage.migrate("verify", "--repair", saying: ["1 repaired", "nothing is missing"])
                try await stage.migrate("verify", "--deep", saying: ["12 right"])
            }
            // The stored text is compared in depth alone.
            try await write(#"{"text": "another text"}"#, into: child, store)
            try await stage.migrate("verify")
            let found = try document(try await stage.migrate("verify", "--deep", "--json", exit: 1))
            #expect(found["verdict"] as? String == "wrong" && found["exit_code"] as? Int == 1)
            #expect(found["is_right"] as? Bool == false && found["wrong"] as? Int == 1)
            try await stage.migrate("verify", "--deep", "--repair", saying: ["with another text, repaired"])
            try await stage.migrate("verify", "--deep")
        }
    }

    @Test func `rows that became blank or vanished lose their points, and nothing else does`() async throws {
        try await Stage.use(.libpq, records: 12, ["BATCH_SIZE": "5"]) { stage in
            try await stage.migrate("setup", "--yes")
            try await stage.migrate("run", "--yes")
            let ids = try await stage.rows.values("SELECT id FROM ip_summary ORDER BY id").compactMap(Int64.init)
            let texts = ["NULL", "''", "' \\n '", "'\u{200B}'", "'Page 12'"]
            for (id, text) in zip(ids, texts) {
                try await stage.rows.run("UPDATE ip_summary SET parse_content = \(text) WHERE id = \(id)")
            }
            let paid = stage.embedder.totals.texts
            try await stage.migrate("run", "--new", "--yes", saying: ["7 processed", "5 skipped"])
            #expect(stage.embedder.totals.texts <= paid + 3, "three texts to look at the server")
            let store = try stage.points()
            #expect(try await store.points(of: Array(ids[..<5]), owner: stage.owner).isEmpty)
            try await stage.migrate("verify", saying: ["7 right, 5 blank"])

            try await stage.rows.run(
                "DELETE FROM ip_summary WHERE id = \(ids[6])",
                "UPDATE ip_summary SET parse_content = NULL WHERE id = \(ids[7])",
                "UPDATE ip_summary SET member_code = NULL WHERE id = \(ids[8])"
            )
            let found = try document(try await stage.migrate("verify", "--json", exit: 1))
            #expect(found["wrong"] as? Int == 3)
            try await stage.migrate("verify", "--repair", exit: 1, saying: ["2 repaired", "2 points stale"])
            #expect(try await store.points(of: [ids[6], ids[7]], owner: stage.owner).isEmpty)
            #expect(try await store.points(of: [ids[8]], owner: stage.owner).count == 2, "it failed, and is not gone")
            try await stage.rows.run("UPDATE ip_summary SET member_code = 'm' WHERE id = \(ids[8])")
            try await stage.migrate("verify", "--repair")
            try await stage.migrate("verify", saying: ["1 planned row not in MySQL any more", "nothing is missing"])
        }
    }

    @Test func `a job that is not finished ends with 75, whatever its state`() async throws {
        let settings = ["BATCH_SIZE": "5", "MAX_WORKERS": "1", "SHUTDOWN_GRACE_SECONDS": "1"]
        try await Stage.use(.libpq, records: 20, settings) { stage in
            try await stage.migrate("setup", "--yes")
            stage.embedder.update { $0.latency = .seconds(3600) }
            let ended = try await stage.migrate(["run", "--yes"]) { process in
                try await stage.wait { try await stage.stats(job: 1).processing > 0 }
                kill(process, SIGTERM)
            }
            #expect(ended.status == 75)
            stage.embedder.update { $0.latency = .zero }
            try await stage.migrate(
                "verify",
                exit: 75,
                saying: ["(running): not finished", "20 records not worked on"]
            )
            try await stage.migrate("pause")
            try await stage.migrate("verify", exit: 75, saying: ["(paused): not finished", "`migrate resume`"])
            _ = try await stage.database.run("UPDATE ingestion_job SET plan_sealed_at = NULL")
            let open = try document(try await stage.migrate("verify", "--json", exit: 75))
            #expect(open["verdict"] as? String == "planning_unfinished" && open["exit_code"] as? Int == 75)
            #expect(open["is_planned"] as? Bool == false && open["job_status"] as? String == "paused")
            try await stage.migrate("verify", exit: 75, saying: ["not finished planning"])
            try await stage.migrate("cancel", "--yes")
            try await stage.migrate("verify", exit: 75, saying: ["(cancelled)", "`migrate run` plans a new job"])
            try await stage.migrate("run", "--yes", saying: ["Job 2 opened."])
            try await stage.migrate("verify", saying: ["Job 2 (completed): nothing is missing."])
        }
    }

    @Test func `without the collection it is refused, and says what to do`() async throws {
        try await Stage.use(.libpq, records: 5) { stage in
            try await stage.migrate("setup", "--yes")
            try await stage.migrate("run", "--yes")
            let absent = ["QDRANT_COLLECTION_NAME": "nowhere"]
            try await stage.migrate("verify", "--job", "1", exit: 78, saying: ["other settings"], with: absent)
            _ = try await stage.points().call(.delete, "", [])
            try await stage.migrate("verify", exit: 77, saying: ["migrate setup"])
        }
    }
}
