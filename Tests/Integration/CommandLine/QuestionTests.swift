import Foundation
import Migration
import Testing

/// Every way in which a person can leave a question, on a terminal, at commands that need no database.
@Suite(.serialized, .timeLimit(.minutes(5))) struct `Questions on a terminal` {
    /// How a person leaves a question without an answer.
    enum Leaving: String, CaseIterable, Sendable {
        case interrupt = "Ctrl-C"
        case endOfInput = "Ctrl-D"
        case halfALine = "yes, Ctrl-D, Ctrl-D"
        case hangUp = "the terminal is closed"
        case terminate = "SIGTERM"
        case hangUpSignal = "SIGHUP"
        case suspended = "Ctrl-Z, back, Ctrl-C"

        func happen(at terminal: Terminal) async throws {
            switch self {
            case .interrupt: terminal.press(.interrupt)
            case .endOfInput: terminal.press(.endOfInput)
            case .halfALine:
                terminal.type("yes")
                terminal.press(.endOfInput)
                terminal.press(.endOfInput)
            case .hangUp: terminal.hangUp()
            case .terminate: terminal.signal(SIGTERM)
            case .hangUpSignal: terminal.signal(SIGHUP)
            case .suspended:
                try await terminal.suspendAndContinue()
                terminal.press(.interrupt)
            }
        }
    }

    @Test(arguments: Leaving.allCases)
    func `a question that is left is a no: nothing is made, and the program ends`(leaving: Leaving) async throws {
        try await Served.use { served in
            let ended = try await served.run("setup") { terminal in
                try await terminal.wait(for: "(Y/n) ")
                try await leaving.happen(at: terminal)
            }
            #expect(ended.status == 130, "\(ended.text)")
            #expect(ended.delay < .seconds(1), "\(ended.delay)")
            if leaving != .hangUp { #expect(ended.text.contains("migrate: nothing was changed"), "\(ended.text)") }
            #expect(!ended.text.contains("Leaving") && !ended.text.contains("is ready"))
            #expect(!served.hasCollection)
        }
    }

    static let answers: [(typed: String, status: Int32)] = [
        ("y\n", 0), ("YES\n", 0), ("\n", 0), ("  y \n", 0), ("n\n", 1), ("No\n", 1),
        ("maybe\ny\n", 0), ("maybe\nn\n", 1), ("ja\nsí\nyes\n", 0), ("\u{15}n\n", 1), ("yy\u{7F}\n", 0),
        ("n\ny\ny\n", 1), (String(repeating: "y", count: 2_000) + "\nn\n", 1),
    ]

    @Test(arguments: answers)
    func `a line is a yes, a no, or asked again`(typed: String, status: Int32) async throws {
        try await Served.use { served in
            let ended = try await served.run("setup") { terminal in
                try await terminal.wait(for: "(Y/n) ")
                terminal.type(typed)
            }
            #expect(ended.status == status, "\(ended.text)")
            #expect(ended.text.contains("migrate: nothing was changed") == (status == 1))
            #expect(served.hasCollection == (status == 0))
        }
    }

    @Test func `bytes that are no text are asked again, and rubbish without end is a no`() async throws {
        try await Served.use { served in
            let asked = try await served.run("setup") { terminal in
                try await terminal.wait(for: "(Y/n) ")
                terminal.send([0xFF, 0xFE, 0xC3, 0x0A])
                try await terminal.wait(for: "Please answer y or n.")
                terminal.type("n\n")
            }
            #expect(asked.status == 1, "\(asked.text)")
            let tired = try await served.run("setup") { terminal in
                for _ in 0..<10 {
                    try await terminal.wait(for: "(Y/n) ")
                    terminal.type("what?\n")
                }
            }
            #expect(tired.status == 130, "\(tired.text)")
            #expect(!served.hasCollection)
        }
    }

    @Test func `a question is shown again after Ctrl-Z, and then answered`() async throws {
        try await Served.use { served in
            let ended = try await served.run("setup") { terminal in
                try await terminal.wait(for: "(Y/n) ")
                terminal.type("n")
                try await terminal.suspendAndContinue()
                try await terminal.wait(for: "(Y/n) ")
                terminal.type("y\n")
            }
            #expect(ended.status == 0, "\(ended.text)")
            #expect(served.hasCollection)
        }
    }

    @Test func `what was typed before a question appeared is no answer to it`() async throws {
        try await Served.use(slow: .seconds(1)) { served in
            let ended = try await served.run("setup") { terminal in
                // The collection is being looked at.
                try await served.waitForRequest()
                terminal.type("y\n\n\n")
                try await terminal.wait(for: "(Y/n) ")
                try await moment(.milliseconds(300))
                terminal.type("n\n")
            }
            #expect(ended.status == 1, "\(ended.text)")
            #expect(!served.hasCollection)
        }
    }

    @Test(arguments: Leaving.allCases)
    func `a job is not cancelled by a question that is left`(leaving: Leaving) async throws {
        try await Served.use { served in
            let job = try await served.openJob("app.ip_summary -> memos")
            let ended = try await served.run("cancel") { terminal in
                try await terminal.wait(for: "(y/N) ")
                try await leaving.happen(at: terminal)
            }
            #expect(ended.status == 130, "\(ended.text)")
            #expect(ended.delay < .seconds(1), "\(ended.delay)")
            let left = try await served.job(job)
            #expect(left == .running)
        }
    }

    @Test(arguments: [("\n", 1 as Int32, JobStatus.running), ("n\n", 1, .running), ("y\n", 0, .cancelled)])
    func `a job is cancelled by a yes alone`(typed: String, status: Int32, left: JobStatus) async throws {
        try await Served.use { served in
            let job = try await served.openJob("app.ip_summary -> memos")
            let ended = try await served.run("cancel") { terminal in
                try await terminal.wait(for: "(y/N) ")
                terminal.type(typed)
            }
            #expect(ended.status == status, "\(ended.text)")
            let status = try await served.job(job)
            #expect(status == left)
        }
    }

    @Test func `a program that works and asks nothing is ended by its first Ctrl-C`() async throws {
        try await Served.use(slow: .seconds(20)) { served in
            let ended = try await served.run("setup") { terminal in
                try await served.waitForRequest()
                terminal.press(.interrupt)
            }
            #expect(ended.status == 130, "\(ended.text)")
            #expect(ended.delay < .seconds(1))
            #expect(!served.hasCollection)
        }
    }
}

extension Terminal {
    /// Ctrl-Z, and `fg` of the shell.
    func suspendAndContinue() async throws {
        // A session leader's own process group is orphaned, and the kernel does not suspend that by a key.
        signal(SIGSTOP)
        _ = try await eventually { isSuspended }
        signal(SIGCONT)
        try await moment(.milliseconds(50))
    }
}
