import Basics
import CPostgres
import Foundation
import Migration
import Settings

@testable import Adapters

/// A connection on which the server explains every statement it runs, those inside functions included.
///
/// `auto_explain` sends each plan as a notice when its statement is done. So a gate judges the statement that production
/// runs, in the function, with its parameters and its cached plan; not a copy of it in a test.
actor ExplainingConnection: RPCTransport {
    nonisolated var unownedExecutor: UnownedSerialExecutor { unsafe executor.asUnownedSerialExecutor() }

    /// Every statement that ran for the last call, the innermost first; the last one is the call itself.
    private(set) var statements: [ExplainedStatement] = []

    private let executor = ThreadExecutor(name: "explain")
    private let login: PostgresLogin
    private var session: ExplainingSession?

    /// Opens nothing yet; the login is the superuser's, for whom `LOAD` is reserved.
    init(_ login: PostgresLogin) { self.login = login }

    deinit { executor.stop() }

    func call(_ function: String, _ parameters: Data) async throws(PortFailure) -> Data {
        let parameters = try RPCParameters(parameters)
        let answer = try run("SELECT \(try parameters.expression(function))", parameters.all.map(\.text))
        return Data(answer.utf8)
    }

    /// The first value of a statement's answer, as text.
    func value(_ sql: String) throws(PortFailure) -> String { try run(sql, []) }

    /// From now on inner statements are run by the plan that fits any parameters, which the server else uses only when it
    /// finds it cheap.
    func useGenericPlans() throws(PortFailure) { _ = try run("SET plan_cache_mode = force_generic_plan", []) }

    private func opened() throws(PortFailure) -> ExplainingSession {
        if let session { return session }
        let session = try ExplainingSession(login)
        self.session = session
        return session
    }

    private func run(_ sql: String, _ parameters: [String?]) throws(PortFailure) -> String {
        let session = try opened()
        let (answer, notices) = try session.run(sql, parameters)
        do throws(any Error) {
            statements = try notices.compactMap { notice throws -> ExplainedStatement? in
                guard let json = notice.firstIndex(of: "{") else { return nil }
                return try JSONDecoder().decode(ExplainedStatement.self, from: Data(notice[json...].utf8))
            }
        } catch {
            throw PortFailure(.rejected, "a plan of another shape: \(error)")
        }
        return answer
    }
}

/// The connection itself, used by the actor's thread only: it blocks.
@safe
private final class ExplainingSession {
    private let connection: OpaquePointer
    private var notices: [String] = []

    init(_ login: PostgresLogin) throws(PortFailure) {
        let opened: OpaquePointer? = unsafe login.url.withExposedValue { url in unsafe PQconnectdb(url) }
        guard let opened = unsafe opened else { throw PortFailure(.unavailable, "libpq: no memory") }
        unsafe connection = opened
        _ = unsafe PQsetNoticeProcessor(
            connection,
            { session, text in
                guard let session = unsafe session, let text = unsafe text else { return }
                unsafe Unmanaged<ExplainingSession>.fromOpaque(session).takeUnretainedValue().notices
                    .append(String(cString: text))
            },
            Unmanaged.passUnretained(self).toOpaque()
        )
        _ = try run("LOAD 'auto_explain'", [])
        for setting in [
            "analyze = on", "buffers = on", "wal = on", "timing = off", "format = json", "nested_statements = on",
            "level = notice", "min_duration = 0",
        ] {
            _ = try run("SET auto_explain.log_\(setting)", [])
        }
        _ = try run("SET statement_timeout = '60s'", [])
    }

    deinit { unsafe PQfinish(connection) }

    /// The first value of the answer, and what the server said meanwhile.
    func run(_ sql: String, _ parameters: [String?]) throws(PortFailure) -> (answer: String, notices: [String]) {
        notices = []
        let strings = unsafe parameters.map { text in unsafe text.flatMap { unsafe UnsafePointer(strdup($0)) } }
        defer { _ = unsafe strings.map { unsafe free(UnsafeMutablePointer(mutating: $0)) } }
        guard let result = unsafe PQexecParams(connection, sql, Int32(strings.count), nil, strings, nil, nil, 0) else {
            throw PortFailure(.outcomeUnknown, "libpq: no result")
        }
        defer { unsafe PQclear(result) }
        switch unsafe PQresultStatus(result) {
        case PGRES_COMMAND_OK: return ("", notices)
        case PGRES_TUPLES_OK:
            guard unsafe PQntuples(result) > 0, let value = unsafe PQgetvalue(result, 0, 0) else {
                return ("", notices)
            }
            return (unsafe String(cString: value), notices)
        default: throw PortFailure(.rejected, unsafe String(cString: PQresultErrorMessage(result)))
        }
    }
}

/// One statement with the plan it was run by.
struct ExplainedStatement: Decodable, Sendable {
    let text: String
    let plan: PlanNode

    private enum CodingKeys: String, CodingKey {
        case text = "Query Text"
        case plan = "Plan"
    }
}

/// A node of a plan, its buffers with those of the nodes below it.
struct PlanNode: Decodable, Sendable {
    let type: String
    let relation: String?
    let index: String?
    let hits: Int
    let reads: Int
    let walBytes: Int?
    let walFullPages: Int?
    let children: [PlanNode]?

    /// Pages touched, in memory or not.
    var buffers: Int { hits + reads }

    /// This node and all below it.
    var all: [PlanNode] { [self] + (children ?? []).flatMap(\.all) }

    private enum CodingKeys: String, CodingKey {
        case type = "Node Type"
        case relation = "Relation Name"
        case index = "Index Name"
        case hits = "Shared Hit Blocks"
        case reads = "Shared Read Blocks"
        case walBytes = "WAL Bytes"
        case walFullPages = "WAL FPI"
        case children = "Plans"
    }
}
