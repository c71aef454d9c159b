import Conformance
import Migration
import Settings
import Testing

@testable import Adapters

/// A real database whose clock the rules move; one for all rules of a suite, each of which has targets of its own.
struct DatabaseHarness: JobStoreHarness {
    let store: any JobStore
    let database: TrackingDatabase

    func advance(by duration: Duration) async throws { try await database.advance(by: duration) }

    /// Over libpq.
    static func overPostgres() async throws -> Self {
        let database = try await TrackingDatabase.make()
        try await database.makeClockMovable()
        return Self(store: try database.store(connectionsMax: 16), database: database)
    }

    /// Over libpq and a PgBouncer that pools transactions.
    static func overPgBouncer() async throws -> Self {
        let pooler = try #require(TestEnvironment.pgbouncer)
        let database = try await TrackingDatabase.make()
        try await database.makeClockMovable()
        let login = try TrackingDatabase.login(pooler.transactionURL, database: database.name)
        return Self(store: RPCJobStore(PostgresTransport(login, connectionsMax: 16)), database: database)
    }

    /// Over HTTP; the gateway lives as long as the test run.
    static func overPostgREST() async throws -> Self {
        let database = try await TrackingDatabase.make()
        try await database.makeClockMovable()
        let gateway = try await PostgRESTGateway.start(database.authenticator)
        let key = Secret(PostgRESTGateway.Key.secret)
        let transport = try PostgRESTTransport(url: gateway.url, key: key, exchange: try CurlClient())
        return Self(store: RPCJobStore(transport), database: database)
    }
}

/// Made once, by whichever rule comes first.
private actor Once {
    private let make: @Sendable () async throws -> DatabaseHarness
    private var task: Task<DatabaseHarness, any Error>?

    init(_ make: @escaping @Sendable () async throws -> DatabaseHarness) { self.make = make }

    func harness() async throws -> DatabaseHarness {
        let task = task ?? Task { try await make() }
        self.task = task
        return try await task.value
    }
}

// Serialised: the rules of a suite share one clock, and each moves it.
@Suite(.needs(.postgres), .serialized) struct `The job store over libpq` {
    private static let once = Once { try await DatabaseHarness.overPostgres() }

    @Test(arguments: JobStoreConformance.Rule.allCases)
    func `keeps the job-store rules`(rule: JobStoreConformance.Rule) async throws {
        try await JobStoreConformance { try await Self.once.harness() }.check(rule)
    }
}

@Suite(.needs(.postgres, .pgbouncer), .serialized) struct `The job store over PgBouncer, which pools transactions` {
    private static let once = Once { try await DatabaseHarness.overPgBouncer() }

    @Test(arguments: JobStoreConformance.Rule.allCases)
    func `keeps the job-store rules`(rule: JobStoreConformance.Rule) async throws {
        try await JobStoreConformance { try await Self.once.harness() }.check(rule)
    }
}

@Suite(.needs(.postgres), .serialized) struct `The job store over PostgREST's gateway` {
    private static let once = Once { try await DatabaseHarness.overPostgREST() }

    @Test(arguments: JobStoreConformance.Rule.allCases)
    func `keeps the job-store rules`(rule: JobStoreConformance.Rule) async throws {
        try await JobStoreConformance { try await Self.once.harness() }.check(rule)
    }
}
