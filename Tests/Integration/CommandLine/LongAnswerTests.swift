import Foundation
import Migration
import Testing

/// Answers that are longer than a pipe holds: a slow reader gets all of them.
///
/// What is said while work goes on may be left out; what was asked for may not.
@Suite(.serialized, .timeLimit(.minutes(5))) struct `Long answers` {
    @Test(arguments: [
        ["settings", "--markdown"], ["settings", "--example"], ["--help"], ["run", "--help-hidden"],
        ["simulate", "--seeds", "1", "--scenario", "crashes", "--batches", "300", "--workers", "8", "--trace"],
        ["simulate", "--seeds", "400", "--scenario", "calm", "--batches", "1", "--hashes"], ["text", "languages"],
    ])
    func `of commands without servers are whole, however slowly they are read`(arguments: [String]) async throws {
        let program = try Program.of(arguments)
        defer { program.remove() }
        let atOnce = try await program.run(arguments)
        let slowly = try await program.runSlowlyRead(arguments)
        #expect(atOnce.status == 0 && slowly.status == 0, "\(atOnce.error)\(slowly.error)")
        #expect(Self.comparable(slowly.out) == Self.comparable(atOnce.out))
        if arguments.first == "simulate" {
            #expect(slowly.out.utf8.count > 2 * SlowReader.capacity, "\(slowly.out.utf8.count)")
        }
    }

    @Test func `a reader that goes away ends no command with an error`() async throws {
        let program = try Program()
        defer { program.remove() }
        let ended = try await program.runSlowlyRead(["settings", "--markdown"], upTo: 1_000)
        #expect(ended.status == 0 && ended.error.isEmpty, "\(ended.error)")
    }

    @Test(arguments: [["settings", "--markdown"], ["text", "languages"], ["simulate", "--seeds", "1", "--trace"]])
    func `an answer into a full disk is said to be incomplete`(arguments: [String]) async throws {
        let program = try Program.of(arguments)
        defer { program.remove() }
        let ended = try await program.run(arguments, redirecting: ">/dev/full")
        #expect(ended.error.contains("standard output could not be written"), "\(ended.error)")
        let good = try await program.run(arguments, redirecting: ">/dev/null")
        #expect(good.status == 0 && !good.error.contains("could not be written"), "\(good.error)")
    }

    @Test(.needs(.mysql, .vocabulary)) func `about a job are whole, however slowly they are read`() async throws {
        try await Served.useTable(rows: 300, ["MAX_FAILURES": "1000"]) { served, rows in
            try await rows.run("UPDATE ip_summary SET member_code = NULL WHERE id > 150")
            let run = try await served.end("run", "--yes")
            #expect(run.status == 1, "\(run.out)\(run.error)")
            #expect(run.out.contains("150 processed, 0 skipped, 150 failed"), "\(run.out)")
            for (arguments, status) in [
                (["failures"], 0), (["failures", "--json"], 0), (["events"], 0), (["events", "--json"], 0),
                (["verify"], 1), (["verify", "--json"], 1),
            ] {
                let atOnce = try await served.program.run(arguments, served.settings)
                let slowly = try await served.program.runSlowlyRead(arguments, served.settings)
                #expect(Int(atOnce.status) == status && Int(slowly.status) == status, "\(arguments): \(slowly.error)")
                #expect(slowly.out == atOnce.out, "\(arguments)")
                // Nothing would be shown by what the pipe holds; the text of `verify` is short by its nature.
                let isShort = arguments == ["verify"]
                let bytes = slowly.out.utf8.count
                #expect(isShort || bytes > SlowReader.capacity, "\(arguments): \(bytes)")
            }
        }
    }

    /// Without the speed.
    private static func comparable(_ text: String) -> String {
        text.replacing(#/[0-9]+ seeds/s/#, with: "")
    }
}
