import Foundation
import Testing

/// The built program when its output is not read, or when its terminal goes away.
@Suite(.serialized, .timeLimit(.minutes(5))) struct `A terminal that stands still or goes away` {
    /// Work for some time, and no server.
    private static let work = ["demo", "--records", "30000"]

    @Test func `a hang-up stops the work in order, as SIGTERM does`() async throws {
        let program = try Program()
        defer { program.remove() }
        let ended = try await Terminal.run(program, Self.work) { terminal in
            try await terminal.wait(for: "batches")
            terminal.signal(SIGHUP)
        }
        #expect(ended.status == 75, "\(ended.text)")
        #expect(ended.text.contains("Stopping: batches in flight may take"))
    }

    @Test func `a terminal that is closed does the same`() async throws {
        let program = try Program()
        defer { program.remove() }
        let ended = try await Terminal.run(program, Self.work) { terminal in
            try await terminal.wait(for: "batches")
            terminal.hangUp()
        }
        #expect(ended.status == 75, "\(ended.text)")
    }

    @Test func `work behind Ctrl-S is stopped by SIGTERM, and the program ends`() async throws {
        let program = try Program()
        defer { program.remove() }
        let ended = try await Terminal.run(program, Self.work) { terminal in
            try await terminal.wait(for: "batches")
            terminal.send([0x13])
            // The line that updates each second has met the terminal that stands still.
            try await moment(.seconds(3))
            terminal.signal(SIGTERM)
        }
        #expect(ended.status == 75, "\(ended.text)")
        #expect(ended.delay < .seconds(30), "\(ended.delay)")
    }

    @Test(arguments: [
        ">&-", "2>&-", "<&-", ">&- 2>&-", "<&- >&-", "<&- >&- 2>&-", ">/dev/full", ">/dev/full 2>/dev/full",
    ])
    func `work without an open standard stream comes to its end`(redirection: String) async throws {
        let program = try Program()
        defer { program.remove() }
        let ended = try await program.run(["demo", "--records", "40"], redirecting: redirection)
        #expect(ended.status == 0, "\(ended.error)")
    }

    @Test(arguments: [(">&-", 1), ("2>&-", 2), ("<&-", 0)])
    func `a closed standard stream is no number for a connection`(redirection: String, descriptor: Int) async throws {
        let program = try Program()
        defer { program.remove() }
        _ = try await program.run(Self.work, redirecting: redirection) { process in
            let link = "/proc/\(process)/fd/\(descriptor)"
            let isNull = try await eventually {
                (try? FileManager.default.destinationOfSymbolicLink(atPath: link)) == "/dev/null"
            }
            #expect(isNull, "\((try? FileManager.default.destinationOfSymbolicLink(atPath: link)) ?? "closed")")
            kill(process, SIGKILL)
        }
    }
}
