import Foundation
import Migration
import Testing

/// `migrate verify --resume`, through the program itself, over a real table and stand-ins of the other services.
@Suite(.needs(.mysql, .vocabulary), .serialized, .timeLimit(.minutes(5)))
struct `A comparison that was stopped` {
    private static let nothing = "There is no comparison to continue: comparing from the beginning."

    /// Begins a comparison, and stops it once how far it has come is noted.
    private func stop(_ served: Served, _ arguments: String...) async throws -> Program.Result {
        let folder = served.program.folder.appending(path: ".local/state/migrate")
        let note = folder.appending(path: "verify-1.json").path()
        let before = FileManager.default.contents(atPath: note)
        return try await served.program.run(arguments, served.settings) { process in
            let isNoted = try await eventually { FileManager.default.contents(atPath: note) != before }
            #expect(isNoted, "nothing was noted")
            kill(process, SIGTERM)
        }
    }

    @Test func `goes on behind what was noted, and only for the same question`() async throws {
        // A page is 50 batches.
        try await Served.useTable(rows: 180, ["BATCH_SIZE": "1", "MAX_WORKERS": "8"]) { served, _ in
            try await served.migrate("run", "--yes")
            // Nothing to go on from: the first comparison.
            let whole = try await served.end("verify", "--resume")
            #expect(whole.status == 0 && whole.out.contains("\(Self.nothing)\n"), "\(whole.out)\(whole.error)")
            #expect(whole.out.contains("180 right"), "\(whole.out)")

            served.delay(by: .milliseconds(15))
            let stopped = try await stop(served, "verify")
            #expect(stopped.status == 75, "\(stopped.out)\(stopped.error)")
            #expect(stopped.error.contains("Stopping."), "\(stopped.error)")
            #expect(!stopped.out.contains("right"), "\(stopped.out)")
            // Stopped once more, further on.
            let again = try await stop(served, "verify", "--resume")
            #expect(again.status == 75, "\(again.out)\(again.error)")
            #expect(again.out.contains("Continuing after 50 records that were compared before."), "\(again.out)")
            served.delay(by: .zero)

            // Stored texts were not compared, and nothing was repaired: other questions begin anew.
            for other in ["--deep", "--repair"] {
                let begun = try await served.end("verify", "--resume", other)
                #expect(begun.status == 0 && begun.out.contains(Self.nothing), "\(begun.out)\(begun.error)")
            }
        }
    }

    @Test(arguments: [false, true])
    func `finds at its end what is wrong before and behind the stop`(isJSON: Bool) async throws {
        try await Served.useTable(rows: 120, ["BATCH_SIZE": "1", "MAX_WORKERS": "8"]) { served, rows in
            try await served.migrate("run", "--yes")
            // One on each side of the stop: both are found by the one report. Their points have other ids: missing and unexpected.
            try await rows.run("UPDATE ip_summary SET member_code = 'x' WHERE id IN (3, 110)")
            served.delay(by: .milliseconds(15))
            let stopped = try await stop(served, "verify")
            #expect(stopped.status == 75, "\(stopped.out)\(stopped.error)")
            served.delay(by: .zero)
            let sentence = "Continuing after 50 records that were compared before."
            let resumed = try await served.program.run(
                ["verify", "--resume"] + (isJSON ? ["--json"] : []),
                served.settings
            )
            #expect(resumed.status == 1, "\(resumed.out)\(resumed.error)")
            if isJSON {
                let object = try JSONSerialization.jsonObject(with: Data(resumed.out.utf8)) as? [String: Any]
                #expect(object?["verdict"] as? String == "wrong" && object?["wrong"] as? Int == 4, "\(resumed.out)")
                #expect(resumed.error.contains(sentence), "\(resumed.error)")
            } else {
                #expect(resumed.out.contains(sentence), "\(resumed.out)")
                for words in ["record 3 (batch 2)", "record 110 (batch 109)", "118 right", "4 findings"] {
                    #expect(resumed.out.contains(words), "\(words)? \(resumed.out)")
                }
            }
            // It came to its end: nothing is left.
            let after = try await served.end("verify", "--resume")
            #expect(after.status == 1 && after.out.contains(Self.nothing), "\(after.out)")
        }
    }
}
