import Fakes
import Foundation
import Migration
import Testing

@testable import Adapters

/// The questions of `migrate run`, on a terminal, over a real table and stand-ins of the other services.
@Suite(.needs(.mysql, .vocabulary), .serialized, .timeLimit(.minutes(10)))
struct `Questions of a run` {
    typealias Leaving = `Questions on a terminal`.Leaving

    /// A question, and what to type to come to it.
    enum Asked: String, CaseIterable, Sendable {
        case migrate = "Migrate 30 records"
        case resume = "Resume existing job 1"
        case close = "Close job 1 (0 of 3 batches done, no worker alive) and plan a new one? (y/N) "
        case migrateAnew = "Migrate 30 records of"
        case unpause = "Job 1 is paused"

        /// Answers to the questions before it, with words of those.
        var before: [(words: String, typed: String)] {
            switch self {
            case .migrate, .resume: []
            case .close: [("Resume existing job 1", "n\n")]
            case .migrateAnew: [("Resume existing job 1", "n\n"), ("Close job 1", "y\n")]
            case .unpause: [("Resume existing job 1", "y\n")]
            }
        }

        var hasJob: Bool { self != .migrate }
    }

    /// Thirty rows in three batches.
    private func use(_ body: (Served) async throws -> Void) async throws {
        try await Served.useTable(rows: 30) { served, _ in try await body(served) }
    }

    /// Leaves job 1 planned, and its batches given back.
    private func leaveJob(_ served: Served, isPaused: Bool) async throws {
        served.embedder.update { $0.latency = .seconds(3600) }
        let ended = try await served.program.run(
            ["run", "--yes"],
            served.settings.merging(["SHUTDOWN_GRACE_SECONDS": "0"]) { $1 }
        ) { process in
            _ = try await eventually {
                let stats = try await served.store.stats(GetIngestionJobStats(job: 1))
                return stats.job?.sealed == true && stats.processing > 0
            }
            kill(process, SIGTERM)
        }
        #expect(ended.status == 75, "\(ended.error)")
        served.embedder.update { $0.latency = .zero }
        if isPaused { try await served.migrate("pause") }
    }

    @Test(arguments: Asked.allCases, [Leaving.interrupt, .endOfInput, .hangUp, .terminate])
    func `a question that is left changes nothing, and the program ends`(asked: Asked, leaving: Leaving) async throws {
        try await use { served in
            if asked.hasJob { try await leaveJob(served, isPaused: asked == .unpause) }
            let before = try await served.state()
            let ended = try await served.run("run") { terminal in
                for (words, typed) in asked.before {
                    try await terminal.wait(for: words)
                    try await terminal.wait(for: "/")
                    try await terminal.wait(for: ") ")
                    terminal.type(typed)
                }
                try await terminal.wait(for: asked.rawValue)
                if asked != .close { try await terminal.wait(for: "(Y/n) ") }
                try await leaving.happen(at: terminal)
            }
            #expect(ended.status == 130, "\(ended.text)")
            #expect(ended.delay < .seconds(1), "\(ended.delay)")
            if leaving != .hangUp { #expect(ended.text.contains("migrate: nothing was changed"), "\(ended.text)") }
            #expect(!ended.text.contains("Stopping") && !ended.text.contains("Leaving"), "\(ended.text)")
            let after = try await served.state()
            #expect(after == before)
        }
    }

    @Test func `yes after rubbish goes on with the job, and Ctrl-C then stops the work as ever`() async throws {
        try await use { served in
            try await leaveJob(served, isPaused: false)
            served.embedder.update { $0.latency = .seconds(3600) }
            let stopped = try await served.run("run", with: ["SHUTDOWN_GRACE_SECONDS": "0"]) { terminal in
                try await terminal.wait(for: "Resume existing job 1")
                terminal.type("hm\nyes\n")
                _ = try await eventually {
                    try await served.store.stats(GetIngestionJobStats(job: 1)).processing > 0
                }
                terminal.press(.interrupt)
            }
            #expect(stopped.status == 75, "\(stopped.text)")
            #expect(stopped.text.contains("Please answer y or n.") && stopped.text.contains("Stopping:"))
            served.embedder.update { $0.latency = .zero }
            let ended = try await served.run("run") { terminal in
                try await terminal.wait(for: "(Y/n) ")
                terminal.type("\n")
            }
            #expect(ended.status == 0, "\(ended.text)")
            #expect(ended.text.contains("30 processed"))
        }
    }

    @Test func `a job is closed by a no, a yes and a yes, and by nothing less`() async throws {
        try await use { served in
            try await leaveJob(served, isPaused: false)
            for answers in [["n\n", "\n"], ["n\n", "n\n"], ["n\n", "y\n", "n\n"]] {
                let before = try await served.state()
                let ended = try await answer(served, answers)
                #expect(ended.status == 1 && ended.text.contains("nothing was changed"), "\(ended.text)")
                let after = try await served.state()
                #expect(after == before, "\(answers)")
            }
            let ended = try await answer(served, ["n\n", "y\n", "y\n"])
            #expect(ended.status == 0, "\(ended.text)")
            #expect(ended.text.contains("Job 1 is cancelled") && ended.text.contains("Job 2 opened."))
        }
    }

    private func answer(_ served: Served, _ answers: [String]) async throws -> Terminal.Ended {
        try await served.run("run") { terminal in
            for typed in answers {
                try await terminal.wait(for: "/")
                try await terminal.wait(for: ") ")
                terminal.type(typed)
            }
        }
    }

    @Test func `a signal before the first question ends the program, and nothing was changed`() async throws {
        try await use { served in
            try await leaveJob(served, isPaused: false)
            let before = try await served.state()
            served.delay(by: .seconds(1))
            let ended = try await served.run("run") { terminal in
                try await served.waitForRequest()
                terminal.press(.interrupt)
            }
            served.delay(by: .zero)
            #expect(ended.status == 75, "\(ended.text)")
            #expect(!ended.text.contains("Resume existing"), "\(ended.text)")
            #expect(ended.text.contains("nothing was changed"))
            #expect(ended.delay < .seconds(3))
            let after = try await served.state()
            #expect(after == before)
        }
    }

    @Test func `a new job beside one at work is refused without a terminal, and named`() async throws {
        try await use { served in
            served.embedder.update { $0.latency = .seconds(3600) }
            let settings = served.settings.merging(["SHUTDOWN_GRACE_SECONDS": "0", "MAX_WORKERS": "2"]) { $1 }
            _ = try await served.program.run(["run", "--yes"], settings) { process in
                _ = try await eventually {
                    try await served.store.stats(GetIngestionJobStats(job: 1)).processing == 2
                }
                let words = "job 1 (0 of 3 batches done, 2 workers alive in 1 process"
                let refused = try await served.program.run(["run", "--new", "--yes"], served.settings)
                #expect(refused.status == 64 && refused.error.contains(words), "\(refused.error)")
                #expect(refused.error.contains("--force"))
                let other = ["run", "--new", "--force", "--yes", "--where", "id > 3"]
                let scoped = try await served.program.run(other, served.settings)
                #expect(scoped.status == 75 && scoped.error.contains(words), "\(scoped.error)")
                #expect(scoped.error.contains("migrate cancel --job 1"))
                let status = try await served.job(1)
                #expect(status == .running)
                kill(process, SIGKILL)
            }
            served.embedder.update { $0.latency = .zero }
            // Killed on this host, and known to be dead although its leases still run.
            let ended = try await served.program.run(["run", "--new", "--yes"], served.settings)
            #expect(ended.status == 0, "\(ended.error)")
            #expect(ended.out.contains("Job 1 (0 of 3 batches done, no worker alive) will be closed"), "\(ended.out)")
        }
    }
}
