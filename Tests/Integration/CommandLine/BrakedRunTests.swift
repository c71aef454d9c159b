import Fakes
import Foundation
import Migration
import Testing

/// Runs of the built program that end by themselves before the job does, over a real table and stand-ins of the other services.
@Suite(.needs(.mysql, .vocabulary), .serialized, .timeLimit(.minutes(10)))
struct `Runs that a person must see to` {
    /// Each line of standard output as an object; a line that is none is an issue.
    private func objects(_ ended: Program.Result) throws -> [[String: Any]] {
        try ended.out.split(separator: "\n").map { line in
            try #require(
                try JSONSerialization.jsonObject(with: Data(line.utf8)) as? [String: Any],
                "not JSON: \(line)"
            )
        }
    }

    /// Texts that were paid for, the program's look at the server among them.
    private func paid(_ served: Served) -> Int { served.embedder.totals.texts }

    @Test func `a full collection ends the run with 77, and the job is completed when there is room`() async throws {
        try await Served.useTable(rows: 60, ["MAX_WORKERS": "2"]) { served, _ in
            try served.restrict(["enabled": true, "max_points_count": 24])
            let full = try await served.end("run", "--yes")
            #expect(full.status == 77, "\(full.out)\(full.error)")
            #expect(full.error.contains("the collection is full") && full.error.contains("`migrate run --resume`"))
            let stopped = try await served.stats(1)
            #expect(stopped.failedRecords == 0 && stopped.failed == 0 && stopped.job?.status == .running)
            let letters = try await served.end("failures", "--all", "--json")
            #expect(letters.status == 0 && letters.out.isEmpty, "\(letters.out)")

            // Started again beside the full collection: one batch finds out, not one of each worker.
            for _ in 0..<2 {
                let before = paid(served)
                let again = try await served.end("run", "--resume", "--json")
                #expect(again.status == 77, "\(again.error)")
                #expect(again.error.contains("no room for more points"), "\(again.error)")
                #expect(try objects(again).last?["exit_code"] as? Int == 77)
                // And three texts to look at the server.
                #expect(paid(served) - before <= 10 + 3)
            }
            let unfinished = try await served.end("verify", "--json")
            #expect(unfinished.status == 75, "\(unfinished.out)")

            try served.restrict(["enabled": true, "max_points_count": 1_000])
            let before = paid(served)
            let ended = try await served.end("run", "--resume")
            #expect(ended.status == 0, "\(ended.error)")
            #expect(ended.out.contains("60 processed, 0 skipped, 0 failed"), "\(ended.out)")
            #expect(!ended.out.contains("no room for more points"))
            // What is there is not paid for again.
            #expect(paid(served) - before <= 60 - 12 + 3)
            try await served.migrate("verify", "--deep")
        }
    }

    @Test(arguments: [false, true])
    func `a service that refuses everything pauses the job, says what to do and ends with 1`(isJSON: Bool) async throws
    {
        try await Served.useTable(rows: 60) { served, _ in
            served.embedder.update { $0.refusesText = { $0.contains("ferry") } }
            let arguments = ["run", "--yes"] + (isJSON ? ["--json"] : [])
            let ended = try await served.program.run(arguments, served.settings)
            #expect(ended.status == 1, "\(ended.out)\(ended.error)")
            // Three, and those that other workers had in their hands.
            let words = ["migrate: the job is paused: the embedder refused every request of ", " batches in a row"]
            #expect(words.allSatisfy(ended.error.contains), "\(ended.error)")
            #expect(ended.error.contains("`migrate resume`") && ended.error.contains("`migrate run`"), "\(ended.error)")
            if isJSON {
                let summary = try #require(try objects(ended).last)
                #expect(summary["type"] as? String == "summary" && summary["exit_code"] as? Int == 1)
            } else {
                #expect(ended.out.contains("Job 1: paused (the embedder refused"), "\(ended.out)")
                // Only one of the two says what comes next.
                #expect(!ended.out.contains("Next:"), "\(ended.out)")
            }
            #expect(try await served.stats(1).failedRecords == 0)
            let verified = try await served.end("verify")
            #expect(verified.status == 75 && verified.out.contains("`migrate resume`"), "\(verified.out)")

            served.embedder.update { $0.refusesText = { _ in false } }
            try await served.migrate("resume")
            try await served.migrate("run", "--resume")
            try await served.migrate("verify")
        }
    }

    @Test func `failures of a service pause the job at the number that MAX_FAILURES names, also through processes`()
        async throws
    {
        try await Served.useTable(rows: 100, ["MAX_FAILURES": "4"]) { served, _ in
            // Every tenth row: one of each batch.
            served.embedder.update { $0.refusesText = { $0.contains("0.") } }
            let ended = try await served.end("run", "--yes", "--processes", "2")
            #expect(ended.status == 1, "\(ended.out)\(ended.error)")
            #expect(ended.error.contains("records were given up"), "\(ended.error)")
            #expect(ended.error.contains("`migrate failures`") && ended.error.contains("`migrate retry --records`"))
            let stats = try await served.stats(1)
            #expect(stats.job?.status == .paused)
            // What the other process had in its hands comes to it.
            #expect((4...6).contains(stats.failedRecords), "\(stats.failedRecords)")
        }
    }

    @Test func `rows that are gone keep their points until a run with worker processes is allowed to delete them`()
        async throws
    {
        try await Served.useTable(rows: 150) { served, rows in
            try await served.migrate("run", "--yes")
            try await rows.run("UPDATE ip_summary SET parse_content = ''")
            let braked = try await served.end("run", "--new", "--yes", "--processes", "2")
            #expect(braked.status == 1, "\(braked.out)\(braked.error)")
            #expect(braked.error.contains("records are gone or blank"), "\(braked.error)")
            #expect(braked.error.contains("--allow-removals"), "\(braked.error)")
            // A hundred, and what the other process had asked for at the same moment.
            #expect((40...50).contains(try served.recordsWithPoints()))

            try await served.migrate("resume")
            let ended = try await served.end("run", "--resume", "--processes", "2", "--allow-removals")
            #expect(ended.status == 0, "\(ended.out)\(ended.error)")
            #expect(try served.recordsWithPoints() == 0)
            #expect(try await served.stats(2).skipped == 150)
        }
    }
    @Test func `a repair stops before it deletes the points of too many records, and names its own flag`() async throws
    {
        try await Served.useTable(rows: 150) { served, rows in
            try await served.migrate("run", "--yes")
            try await rows.run("UPDATE ip_summary SET parse_content = ''")
            let found = try await served.end("verify", "--json")
            #expect(found.status == 1)
            #expect(try objects(found).first?["wrong"] as? Int == 150)
            let braked = try await served.end("verify", "--repair", "--json")
            #expect(braked.status == 1 && braked.out.isEmpty, "\(braked.out)")
            #expect(braked.error.contains("nothing more was deleted: ") && braked.error.contains("--allow-removals"))
            #expect(!braked.error.contains("migrate run"), "\(braked.error)")
            // All of them are looked at again together, so nothing was begun.
            #expect(try served.recordsWithPoints() == 150)
            try await served.migrate("verify", "--repair", "--allow-removals")
            #expect(try served.recordsWithPoints() == 0)
        }
    }
}
