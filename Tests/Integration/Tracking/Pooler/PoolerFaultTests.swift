import Foundation
import Migration
import Testing

@testable import Adapters

extension `Behind PgBouncer` {
    /// What befalls a job behind PgBouncer, done to a real one: it is ridden out, or a sentence says what a person has to do.
    @Suite struct `Faults of PgBouncer` {
        /// Each is caused while the pooler is warm, then calls fail only as outages do, and when it is over they work again.
        @Test(arguments: PoolerFault.allCases) func `are ridden out`(fault: PoolerFault) async throws {
            try await PoolerStage.use { stage in
                let trial = Trial(stage: stage, transport: try stage.transport(.init(statement: .seconds(4))))
                #expect(await trial.call() == nil, "it works before")
                let failures = try await trial.suffer(fault)
                for failure in failures {
                    let isOutage = [.unavailable, .outcomeUnknown, .unclassified].contains(failure.kind)
                    #expect(isOutage, "\(fault.rawValue): \(failure.code ?? "no code"), \(failure.detail)")
                }
                #expect(failures.isEmpty == !fault.isNoticed, "\(fault.rawValue): \(failures.map(\.detail))")
                if let words = fault.words {
                    let isSaid = failures.contains { $0.detail.contains(words) }
                    #expect(isSaid, "\(fault.rawValue): \(failures.map(\.detail))")
                }
                #expect(try await trial.works(), "\(fault.rawValue): it works again")
            }
        }

        /// The server's own processes end in mid call.
        @Test(arguments: ["restart", "KILL", "pg_terminate_backend"])
        func `in mid call leave its outcome unknown`(fault: String) async throws {
            try await PoolerStage.use { stage in
                let trial = Trial(stage: stage, transport: try stage.transport())
                #expect(await trial.call() == nil)
                let failure = try await withThrowingTaskGroup(of: PortFailure?.self) { group in
                    group.addTask {
                        await trackingFailure {
                            _ = try await trial.transport.answer("test_sleep", #"{"p_seconds": 7}"#)
                        }
                    }
                    let pid = try await stage.waitForSleeper()
                    switch fault {
                    case "restart": try await stage.restart()
                    case "KILL": try await stage.console("KILL \(stage.database.name)")
                    default: try await stage.database.run("SELECT pg_terminate_backend(\(pid))")
                    }
                    return try await group.next() ?? nil
                }
                #expect(failure?.kind == .outcomeUnknown, "\(failure?.code ?? "") \(failure?.detail ?? "no failure")")
                if fault == "KILL" { try await stage.console("RESUME \(stage.database.name)") }
                #expect(try await trial.works())
            }
        }

        /// What only a person can change, and words of the sentence that says so.
        static let mistakes: [(name: String, words: String)] = [
            ("wrong password", "password in POSTGRES_URL is wrong"), ("wrong user", "authentication failed"),
            ("no such database", "no_such_database"),
            ("the pooler's entry names no database", "there_is_no_such_database"),
            ("the pooler's own password is wrong", "password authentication failed"),
            ("a certificate of a stranger", "certificate"),
            ("options that it does not take", "unsupported startup parameter"),
            ("not an administrator's command", "not allowed"),
        ]

        @Test(arguments: mistakes) func `that a person must repair are said`(name: String, words: String) async throws {
            try await PoolerStage.use { stage in
                let stranger = try #require(TestEnvironment.postgres).strangerAuthority
                let login =
                    switch name {
                    case "wrong password": try stage.login { $0.password = "hunter2-hunter2" }
                    case "wrong user": try stage.login { $0.user = "nobody_knows_me" }
                    case "no such database": try stage.login(database: "no_such_database")
                    case "the pooler's entry names no database": try stage.login(database: "missing")
                    case "the pooler's own password is wrong": try stage.login(database: "wrong_login")
                    case "a certificate of a stranger":
                        try stage.login {
                            $0.queryItems = [
                                .init(name: "sslmode", value: "verify-full"),
                                .init(name: "sslrootcert", value: stranger),
                            ]
                        }
                    case "options that it does not take":
                        try stage.login { $0.queryItems?.append(.init(name: "options", value: "-c work_mem=4096")) }
                    default: try stage.login(database: "pgbouncer") { $0.user = "authenticator" }
                    }
                let transport = PostgresTransport(login, connectionsMax: 1)
                let failure = await trackingFailure { _ = try await transport.answer("schema_version") }
                #expect(
                    failure?.kind == .unauthorised,
                    "\(name): \(failure?.code ?? "no code"), \(failure?.detail ?? "")"
                )
                let detail = failure?.detail ?? "no failure"
                #expect(detail.contains(words), "\(name): \(detail)")
                #expect(!detail.contains("hunter2"))
            }
        }

        /// PostgreSQL itself is down: the pooler answers at once, and for every client that waits.
        @Test func `a server that is not there is an outage, again and again`() async throws {
            try await PoolerStage.use { stage in
                let transport = PostgresTransport(try stage.login(database: "unreachable"), connectionsMax: 1)
                for _ in 0..<3 {
                    let failure = await trackingFailure { _ = try await transport.answer("schema_version") }
                    let kinds: [PortFailure.Kind?] = [.unavailable, .outcomeUnknown]
                    #expect(kinds.contains(failure?.kind), "\(failure?.code ?? "") \(failure?.detail ?? "no failure")")
                }
            }
        }
    }
}
