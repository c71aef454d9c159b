import Foundation
import Migration
import Testing

@testable import Adapters
@testable import SQLite

/// What tracks the jobs under chaos, as `make chaos STORE=…` says.
enum ChaosStore: String {
    /// Real servers that crash, behind a proxy that loses answers.
    case postgres
    /// One file; every process that works on the job has it open, and so has this one.
    case sqlite

    static var chosen: Self {
        TestEnvironment.values["MIGRATE_TEST_CHAOS_STORE"].flatMap { Self(rawValue: $0) } ?? .postgres
    }

    var transport: `The whole job`.Transport { self == .sqlite ? .file : .libpq }

    /// Lends the proxy before the store of a stage; nil before a file.
    func use(_ stage: Stage, seed: UInt64, _ body: (DroppingProxy?) async throws -> Void) async throws {
        if self == .sqlite { return try await body(nil) }
        let log = stage.program.folder.appending(path: "calls.log")
        let server = try #require(TestEnvironment.postgres)
        try await DroppingProxy.use(seed: seed, server, log: log) { try await body($0) }
    }
}

// What faults and checks ask: of the contract, so of any store. Nil while the store is away.
extension Stage {
    /// The job, once there is one.
    func job() async -> JobSummary? {
        try? await store.jobs(.init(job: nil, filter: .init(), after: nil, limit: 1)).rows.first
    }

    /// Whether the job is not final, as far as that is known.
    func isOpen() async -> Bool { await job()?.status.isOpen ?? true }

    /// Whether the store says that the job is not final.
    func isSurelyOpen() async -> Bool { await job()?.status.isOpen ?? false }

    /// The batches, or those of a status.
    func batches(_ status: BatchStatus? = nil) async -> [BatchSummary]? {
        try? await store.batches(.init(job: 1, filter: .init(status: status), after: nil, limit: 1000)).rows
    }

    /// Sets columns of a table, as no call does.
    func change(_ columns: String, of table: String, where condition: String = "true") async throws {
        let sql = "UPDATE ingestion_\(table) SET \(columns) WHERE \(condition)"
        switch tracking {
        case .database(let database): try await database.run(sql)
        case .file(let store): _ = try await store.run(sql)
        }
    }

    /// What is wrong with the store itself.
    func damage() async throws -> [String] {
        guard case .file(let store) = tracking else { return [] }
        return try await store.run("PRAGMA integrity_check").filter { $0 != ["ok"] }.map {
            "the file is damaged: \($0)"
        }
    }

    /// Settings of the processes that work on the job: the way to its store.
    func way(by proxy: DroppingProxy?) throws -> [String: String] {
        switch tracking {
        case .database:
            let direct = try #require(settings["POSTGRES_URL"])
            return ["POSTGRES_URL": try #require(proxy).address(of: direct)]
        // Its folder would follow from STATE_DIRECTORY, which is another one for each process.
        case .file(let store): return ["TRACKING_FILE": store.file]
        }
    }
}
