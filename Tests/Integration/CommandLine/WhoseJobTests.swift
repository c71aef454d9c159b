import Foundation
import Migration
import Testing

/// Which job the built program takes where several tables and people share a store; over stand-ins.
@Suite(.serialized, .timeLimit(.minutes(5))) struct `Jobs of several tables` {
    private static let ours = ["MYSQL_DATABASE": "app"]

    /// Commands that take the newest job of the settings, and how they end for a job that runs.
    private static let commands: [(arguments: [String], status: Int32)] = [
        (["status"], 0), (["failures"], 0), (["events"], 0), (["pause"], 0), (["resume"], 0), (["retry"], 0),
        (["cancel", "--yes"], 0),
    ]

    private func run(
        _ served: Served,
        _ arguments: [String],
        _ settings: [String: String] = [:]
    ) async throws -> Program.Result {
        try await served.program.run(arguments, served.settings.merging(settings) { $1 })
    }

    @Test(arguments: commands)
    func `a command takes the newest job of its settings and names it first`(arguments: [String], status: Int32)
        async throws
    {
        try await Served.use { served in
            let job = try await served.openJob("app.ip_summary -> memos")
            let other = try await served.openJob("shop.orders -> memos")
            let result = try await run(served, arguments, Self.ours)
            #expect(result.status == status, "\(result.error)")
            #expect(result.out.hasPrefix("Job \(job) of app.ip_summary -> memos.\n"), "\(result.out)")
            #expect(result.out.contains("such as job \(other) of shop.orders -> memos; --job names one."))
            let left = try await served.job(other)
            #expect(left == .running)
            let named = try await run(
                served,
                arguments.prefix(1) + (arguments[0] == "events" ? ["2"] : ["--job", "2"]) + arguments.dropFirst(),
                Self.ours
            )
            #expect(named.out.contains("Job 2 of shop.orders -> memos.\n"), "\(named.out)")
        }
    }

    @Test(arguments: commands)
    func `with JSON, standard output is JSON that names the job`(arguments: [String], status: Int32) async throws {
        try await Served.use { served in
            try await served.openJob("app.ip_summary -> memos")
            try await served.openJob("shop.orders -> memos")
            let result = try await run(served, arguments + ["--json"], Self.ours)
            #expect(result.status == status, "\(result.error)")
            #expect(result.error.hasPrefix("Job 1 of app.ip_summary -> memos.\n"), "\(result.error)")
            for line in result.out.split(separator: "\n") {
                let object = try JSONSerialization.jsonObject(with: Data(line.utf8)) as? [String: Any]
                #expect(object?["job"] != nil, "\(line)")
            }
        }
    }

    @Test(arguments: commands)
    func `without settings of a table the only one is taken, and several are refused`(
        arguments: [String],
        status: Int32
    ) async throws {
        try await Served.use { served in
            let none = try await run(served, arguments)
            #expect(none.status == 1 && none.error.contains("there is no job yet"))
            try await served.openJob("shop.orders -> memos")
            let only = try await run(served, arguments)
            #expect(only.status == status, "\(only.error)")
            #expect(only.out.hasPrefix("Job 1 of shop.orders -> memos.\n"), "\(only.out)")
            try await served.openJob("app.ip_summary -> memos")
            let several = try await run(served, arguments)
            #expect(several.status == 64)
            #expect(several.out.isEmpty)
            #expect(several.error.contains("job 2 of app.ip_summary -> memos (running)"), "\(several.error)")
        }
    }

    @Test func `flags name the table as they do for a run, and a table without jobs takes no other's`() async throws {
        try await Served.use { served in
            try await served.openJob("shop.orders -> memos")
            let flags = ["--mysql-table", "shop.orders", "--qdrant-collection-name", "memos"]
            let found = try await run(served, ["pause"] + flags, Self.ours)
            #expect(found.status == 0 && found.out.contains("Job 1 is paused."), "\(found.error)")
            let none = try await run(served, ["cancel", "--yes"], Self.ours)
            #expect(none.status == 1)
            #expect(none.error.contains("there is no job of app.ip_summary -> memos"), "\(none.error)")
            #expect(none.error.contains("job 1 of shop.orders -> memos (paused)"))
            let left = try await served.job(1)
            #expect(left == .paused)
        }
    }
}
