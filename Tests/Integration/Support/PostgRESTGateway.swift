import FlyingFox
import FlyingSocks
import Foundation
import Migration
import Testing

@testable import Adapters

/// A stand-in for Supabase's gateway and PostgREST over the real SQL: HTTP → libpq.
///
/// For tests on machines without PostgREST. It keeps what matters to a client: the key decides the role (`SET ROLE`),
/// functions are found by name and argument names in a cache, anything but a volatile function runs read-only, a statement
/// may take 8 seconds, and errors have PostgREST's bodies and statuses. It does not verify the signature of a token.
final class PostgRESTGateway: Sendable {
    /// The keys of a project, of both kinds.
    enum Key {
        static let secret = "sb_secret_gateway"
        static let publishable = "sb_publishable_gateway"
        static let anon = token("anon")
        static let authenticated = token("authenticated")
        static let serviceRole = token("service_role")

        static func token(_ role: String) -> String {
            let claims = Data(#"{"role":"\#(role)"}"#.utf8).base64EncodedString().replacing("=", with: "")
            return "eyJhbGciOiJIUzI1NiJ9.\(claims).dW5zaWduZWQ"
        }
    }

    /// What a client is told to use as `SUPABASE_URL`.
    let url: String
    private let server: HTTPServer
    private let task: Task<Void, Never>

    /// Serves one database until `stop`.
    ///
    /// - Parameter authenticator: logs in as a role that may become `anon`, `authenticated` and `service_role`.
    /// - Returns: the gateway, listening on a free port.
    /// - Throws: when the database or a port cannot be had.
    static func start(_ authenticator: PostgresLogin) async throws -> PostgRESTGateway {
        let limits = PostgresConnection.Limits(statement: .seconds(8))
        let pool = ResourcePool<PostgresConnection>(limit: 10) { () async throws(PortFailure) -> PostgresConnection in
            PostgresConnection(authenticator, limits)
        } isUsable: { connection in
            await connection.isUsable
        }
        let rows = try await pool.use { (connection) async throws(PortFailure) -> [[String?]] in
            try await connection.run(
                """
                SELECT proname, provolatile, coalesce(array_to_string(proargnames[1:pronargs], ' '), '')
                FROM pg_proc WHERE pronamespace = 'public'::regnamespace
                """
            )
        }
        let functions = rows.reduce(into: [:]) { functions, row in
            functions[row[0] ?? ""] = Handler.Function(
                isVolatile: row[1] == "v",
                arguments: Set((row[2] ?? "").split(separator: " ").map(String.init))
            )
        }
        let server = HTTPServer(
            config: HTTPServer.Configuration(
                address: try sockaddr_in.inet(ip4: "127.0.0.1", port: 0),
                timeout: 60,
                sharedRequestBufferSize: 64 << 20,
                pool: NoDelayPool(base: HTTPServer.defaultPool()),
                logger: .disabled
            ),
            handler: Handler(pool: pool, functions: functions)
        )
        // Unstructured on purpose: it lives until `stop`.
        let task = Task { _ = try? await server.run() }
        try await server.waitUntilListening(timeout: 10)
        guard case .ip4(_, let port)? = await server.listeningAddress else { throw SocketError.unsupportedAddress }
        return PostgRESTGateway(url: "http://127.0.0.1:\(port)", server: server, task: task)
    }

    private init(url: String, server: HTTPServer, task: Task<Void, Never>) {
        self.url = url
        self.server = server
        self.task = task
    }

    func stop() async {
        await server.stop(timeout: 0.05)
        task.cancel()
    }
}

extension PostgRESTGateway {
    /// Answers one request.
    fileprivate struct Handler: HTTPHandler {
        struct Function: Sendable {
            let isVolatile: Bool
            let arguments: Set<String>
        }

        let pool: ResourcePool<PostgresConnection>
        let functions: [String: Function]

        func handleRequest(_ request: FlyingFox.HTTPRequest) async throws -> FlyingFox.HTTPResponse {
            guard let key = request.headers[HTTPHeader("apikey")] else {
                return Self.answer(401, #"{"message":"No API key found in request","hint":"No `apikey` header."}"#)
            }
            guard let role = role(key, request.headers[.authorization]) else {
                return Self.answer(401, #"{"message":"Invalid API key","hint":"Double check your API key."}"#)
            }
            let parts = request.path.split(separator: "/").map(String.init)
            guard parts.count == 4, parts.starts(with: ["rest", "v1", "rpc"]) else {
                return Self.error(404, "PGRST125", "Invalid path specified in request URL")
            }
            guard let parameters = try? RPCParameters(try await request.bodyData) else {
                return Self.error(400, "PGRST102", "Empty or invalid json")
            }
            guard let function = functions[parts[3]], function.arguments == Set(parameters.all.map(\.name)) else {
                return Self.error(404, "PGRST202", "Could not find the function public.\(parts[3]) in the schema cache")
            }
            let isReadOnly = request.method != .POST || !function.isVolatile
            do throws(PortFailure) {
                let json = try await pool.use { (connection) async throws(PortFailure) -> String in
                    try await Self.transact(connection, role, isReadOnly) { () async throws(PortFailure) -> String in
                        let sql = "SELECT " + (try parameters.expression(parts[3]))
                        let rows = try await connection.run(sql, parameters.all.map(\.text))
                        return (rows.first?.first ?? nil) ?? "null"
                    }
                }
                return Self.answer(200, json)
            } catch {
                return Self.answer(error)
            }
        }

        /// As PostgREST: one transaction per request, with the role and its time limit set for it alone.
        private static func transact(
            _ connection: PostgresConnection,
            _ role: String,
            _ isReadOnly: Bool,
            _ body: () async throws(PortFailure) -> String
        ) async throws(PortFailure) -> String {
            let mode = isReadOnly ? "READ ONLY" : "READ WRITE"
            do throws(PortFailure) {
                _ = try await connection.run(
                    "BEGIN \(mode); SET LOCAL ROLE \(role); SET LOCAL statement_timeout = '8s'; "
                        + "SET LOCAL search_path = public"
                )
                let answer = try await body()
                _ = try await connection.run("COMMIT")
                return answer
            } catch {
                _ = try? await connection.run("ROLLBACK")
                throw error
            }
        }

        /// The role of the token in `Authorization`, or else of the key.
        private func role(_ key: String, _ authorization: String?) -> String? {
            guard [Key.secret, Key.publishable, Key.anon, Key.authenticated, Key.serviceRole].contains(key) else {
                return nil
            }
            let token = authorization.map { $0.replacing("Bearer ", with: "") } ?? key
            return switch token {
            case Key.secret, Key.serviceRole: "service_role"
            case Key.publishable, Key.anon: "anon"
            case Key.authenticated: "authenticated"
            default: nil
            }
        }

        private static func answer(_ failure: PortFailure) -> FlyingFox.HTTPResponse {
            guard let code = failure.code else { return error(503, "PGRST001", "Database connection error") }
            return error(status(of: code), code, failure.detail)
        }

        /// PostgREST's table, "HTTP status codes", for what can happen here.
        private static func status(of code: String) -> Int {
            switch code {
            case "42501": 403
            case "42883", "42P01": 404
            case "25006": 405
            case "23503", "23505": 409
            case "P0001": 400
            case "53400": 500
            case _ where code.hasPrefix("08") || code.hasPrefix("53") || code == "57P01": 503
            case _ where code.hasPrefix("28"): 403
            case _ where ["25", "40", "54", "55", "57", "58", "P0", "XX"].contains(code.prefix(2)): 500
            default: 400
            }
        }

        private static func error(_ status: Int, _ code: String, _ message: String) -> FlyingFox.HTTPResponse {
            struct Body: Encodable {
                let code: String
                let message: String
            }
            let body = try? JSONEncoder().encode(Body(code: code, message: message))
            let text = body.map { String(decoding: $0, as: UTF8.self).dropLast() } ?? "{"
            return answer(status, text + #","details":null,"hint":null}"#)
        }

        private static func answer(_ status: Int, _ json: String) -> FlyingFox.HTTPResponse {
            FlyingFox.HTTPResponse(
                statusCode: HTTPStatusCode(status, phrase: ""),
                headers: [.contentType: "application/json; charset=utf-8"],
                body: Data(json.utf8)
            )
        }
    }
}

/// Without it each answer waits 40 ms: header and body are two packets, and Nagle holds back the second.
private struct NoDelayPool: AsyncSocketPool {
    let base: any AsyncSocketPool

    func prepare() async throws { try await base.prepare() }
    func run() async throws { try await base.run() }

    func suspendSocket(_ socket: Socket, untilReadyFor events: Socket.Events) async throws {
        try socket.setValue(1, for: NoDelay())
        try await base.suspendSocket(socket, untilReadyFor: events)
    }
}

private struct NoDelay: SocketOption {
    var level: Int32 { Int32(IPPROTO_TCP) }
    var name: Int32 { TCP_NODELAY }
    func makeValue(from socketValue: Int32) -> Int32 { socketValue }
    func makeSocketValue(from value: Int32) -> Int32 { value }
}
