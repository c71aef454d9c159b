import CPostgres
import Glibc
import Migration
import Settings

/// One libpq connection, used by one thread at a time; it never waits beyond a deadline.
///
/// libpq's blocking calls have no time limit, so this uses only non-blocking calls and `poll`. A cancelled task is
/// noticed within 50 ms; the statement itself is then still committed, which the functions are designed for.
@safe
final class PostgresHandle {
    private let connection: OpaquePointer
    private let clock = ContinuousClock()

    /// Begins to connect; `open` waits for it.
    init(_ login: PostgresLogin) throws(PortFailure) {
        let started: OpaquePointer? = unsafe login.url.withExposedValue { url in
            let keywords = ["dbname"] + login.overrides.map { $0.keyword }
            let values = [url] + login.overrides.map { $0.value }
            return unsafe withCStrings(keywords) { keywords in
                // 1 = the value of dbname is an address; keywords after it take precedence.
                unsafe withCStrings(values) { values in unsafe PQconnectStartParams(keywords, values, 1) }
            }
        }
        guard let started = unsafe started else { throw PortFailure(.unavailable, "libpq: no memory") }
        unsafe connection = started
    }

    deinit { unsafe PQfinish(connection) }

    /// Whether a statement may be sent, also within a transaction.
    ///
    /// Reads what the server has sent meanwhile: before it closes an idle connection it sends a farewell, and only a
    /// further read shows the end.
    var isReady: Bool {
        for _ in 0..<4 {
            guard unsafe PQconsumeInput(connection) == 1, unsafe PQstatus(connection) == CONNECTION_OK else {
                return false
            }
            _ = unsafe PQisBusy(connection)  // parses what was read
            var descriptor = pollfd(fd: unsafe PQsocket(connection), events: Int16(POLLIN), revents: 0)
            if unsafe poll(&descriptor, 1, 0) == 0 { break }
        }
        let isBetween = [PQTRANS_IDLE, PQTRANS_INTRANS, PQTRANS_INERROR].contains(
            unsafe PQtransactionStatus(connection)
        )
        return unsafe PQstatus(connection) == CONNECTION_OK && isBetween
    }

    /// Whether it is ready and no transaction is open.
    var isIdle: Bool { isReady && (unsafe PQtransactionStatus(connection)) == PQTRANS_IDLE }

    /// The version of TLS, or nil without TLS.
    var tls: String? {
        guard let name = unsafe PQsslAttribute(connection, "protocol") else { return nil }
        return unsafe String(cString: name)
    }

    /// Waits until the login is complete.
    func open(within limit: Duration) throws(PortFailure) {
        let deadline = clock.now + limit
        // With the SQLSTATE in the message: the only place where libpq shows it for a refused login.
        _ = unsafe PQsetErrorVerbosity(connection, PQERRORS_VERBOSE)
        // Not printed to standard error, which is libpq's default.
        _ = unsafe PQsetNoticeProcessor(connection, { _, _ in }, nil)
        var waitsFor = Int16(POLLOUT)
        while true {
            guard unsafe PQstatus(connection) != CONNECTION_BAD else { throw refusal() }
            guard try wait(for: waitsFor, until: deadline) else {
                throw PortFailure(.unavailable, "the PostgreSQL server did not answer within \(limit)")
            }
            switch unsafe PQconnectPoll(connection) {
            case PGRES_POLLING_OK:
                _ = unsafe PQsetErrorVerbosity(connection, PQERRORS_DEFAULT)
                guard unsafe PQsetnonblocking(connection, 1) == 0 else { throw refusal() }
                return
            case PGRES_POLLING_READING: waitsFor = Int16(POLLIN)
            case PGRES_POLLING_WRITING: waitsFor = Int16(POLLOUT)
            default: throw refusal()
            }
        }
    }

    /// Runs one statement with text parameters, or (without parameters) several in one text.
    ///
    /// - Returns: the rows of the last statement that has any, as text; nil = NULL.
    /// - Throws: by SQLSTATE, or `outcomeUnknown` when the connection broke; then the handle cannot be used any more.
    func run(_ sql: String, _ parameters: [String?] = [], within limit: Duration) throws(PortFailure) -> [[String?]] {
        let deadline = clock.now + limit
        let sent =
            parameters.isEmpty
            ? unsafe PQsendQuery(connection, sql)
            : unsafe withCStrings(parameters) { values in
                unsafe PQsendQueryParams(connection, sql, Int32(parameters.count), nil, values, nil, nil, 0)
            }
        guard sent == 1 else { throw lost() }
        try flush(until: deadline)
        return try answer(until: deadline)
    }

    /// Runs one statement in its own transaction, under the server's own time limits, in one round trip.
    ///
    /// The limits are sent before the statement and end with its transaction, which is the implicit transaction of a
    /// pipeline. So they hold wherever a pooler sends both, they override what another client has set there, and no
    /// later client gets them. `SET LOCAL` would do the same but warns outside of `BEGIN`, and `BEGIN` would need a
    /// second round trip after an error.
    ///
    /// - Returns: the statement's rows, as text; nil = NULL.
    /// - Throws: as `run`.
    func call(
        _ sql: String,
        _ parameters: [String?],
        under limits: PostgresConnection.Limits,
        within limit: Duration
    ) throws(PortFailure) -> [[String?]] {
        let deadline = clock.now + limit
        guard unsafe PQenterPipelineMode(connection) == 1 else { throw lost() }
        let names =
            "pg_catalog.set_config('statement_timeout', $1, true), pg_catalog.set_config('lock_timeout', $2, true)"
        // 0 would mean no limit.
        let values = [limits.statement, limits.lock].map { String(max(1, Int($0 / .milliseconds(1)))) }
        for (sql, parameters) in [("SELECT " + names, values), (sql, parameters)] {
            let sent = unsafe withCStrings(parameters) { values in
                unsafe PQsendQueryParams(connection, sql, Int32(parameters.count), nil, values, nil, nil, 0)
            }
            guard sent == 1 else { throw lost() }
        }
        guard unsafe PQpipelineSync(connection) == 1 else { throw lost() }
        try flush(until: deadline)
        let rows: [[String?]]
        do { rows = try answer(until: deadline, statements: 2) } catch {
            // If it fails, too much is left unread: then `isReady` is false, and the connection is given up.
            _ = unsafe PQexitPipelineMode(connection)
            throw error
        }
        guard unsafe PQexitPipelineMode(connection) == 1 else { throw lost() }
        return rows
    }

    /// Reads the complete answer of the server.
    ///
    /// `statements` is how many were sent in a pipeline; 0 = there is no pipeline. Throws and returns the same as
    /// `run`.
    private func answer(
        until deadline: ContinuousClock.Instant,
        statements: Int = 0
    ) throws(PortFailure) -> [[String?]] {
        var rows: [[String?]] = []
        var failure: PortFailure?
        var ends = 0
        var isRead = false
        while !isRead {
            while unsafe PQisBusy(connection) == 1 {
                guard try wait(for: Int16(POLLIN), until: deadline) else { throw lost("no answer in time") }
                // A message before the end, such as a pooler's sentence, says more than the end itself.
                guard unsafe PQconsumeInput(connection) == 1 else { throw failure ?? lost() }
            }
            guard let result = unsafe PQgetResult(connection) else {
                // Each statement's results end with nil, and those of a pipeline with the answer to its sync.
                ends += 1
                isRead = ends > statements
                continue
            }
            defer { unsafe PQclear(result) }
            switch unsafe PQresultStatus(result) {
            case PGRES_TUPLES_OK: unsafe rows = Self.rows(of: result)
            case PGRES_COMMAND_OK, PGRES_EMPTY_QUERY, PGRES_PIPELINE_ABORTED: break
            case PGRES_PIPELINE_SYNC: isRead = true
            default: if failure == nil { failure = unsafe Self.failure(of: result) ?? lost() }
            }
        }
        if let failure { throw failure }
        return rows
    }

    private func flush(until deadline: ContinuousClock.Instant) throws(PortFailure) {
        while true {
            switch unsafe PQflush(connection) {
            case 0: return
            case 1:
                guard try wait(for: Int16(POLLIN | POLLOUT), until: deadline) else { throw lost("it does not read") }
                guard unsafe PQconsumeInput(connection) == 1 else { throw lost() }
            default: throw lost()
            }
        }
    }

    /// Waits for the socket.
    ///
    /// - Returns: false when the deadline came first.
    private func wait(for events: Int16, until deadline: ContinuousClock.Instant) throws(PortFailure) -> Bool {
        while true {
            if Task.isCancelled { throw PortFailure(.cancelled, "cancelled while waiting for PostgreSQL") }
            let left = deadline - clock.now
            guard left > .zero else { return false }
            var descriptor = pollfd(fd: unsafe PQsocket(connection), events: events, revents: 0)
            let slice = min(50, Int32(left / .milliseconds(1)) + 1)
            let ready = unsafe poll(&descriptor, 1, slice)
            if ready > 0 || (ready < 0 && errno != EINTR) { return true }
        }
    }

    private static func rows(of result: OpaquePointer) -> [[String?]] {
        let columns = unsafe PQnfields(result)
        let rows = unsafe PQntuples(result)
        return (0..<rows).map { row in
            (0..<columns).map { column in
                guard unsafe PQgetisnull(result, row, column) == 0 else { return nil }
                let bytes = unsafe UnsafeRawBufferPointer(
                    start: PQgetvalue(result, row, column),
                    count: Int(PQgetlength(result, row, column))
                )
                return unsafe String(decoding: bytes, as: UTF8.self)
            }
        }
    }

    /// The failure in a result, or nil when it has no SQLSTATE: then the connection broke.
    ///
    /// An error that ends the connection in the middle of a call may come after the commit: a pooler's `server conn
    /// crashed?` does not tell.
    private static func failure(of result: OpaquePointer) -> PortFailure? {
        guard let state = unsafe field("C", of: result) else { return nil }
        let failure = PortFailure(sqlState: state, message: unsafe field("M", of: result) ?? "")
        // PgBouncer sends no `V`, and never translates `S`.
        let severity = unsafe field("V", of: result) ?? field("S", of: result)
        guard severity == "FATAL" || severity == "PANIC", [.unavailable, .unclassified].contains(failure.kind) else {
            return failure
        }
        return PortFailure(.outcomeUnknown, failure.detail, code: failure.code)
    }

    /// A field by its letter in `postgres_ext.h`: `C` = SQLSTATE, `M` = primary message, `S` and `V` = severity.
    private static func field(_ letter: Unicode.Scalar, of result: OpaquePointer) -> String? {
        guard let text = unsafe PQresultErrorField(result, Int32(letter.value)) else { return nil }
        return unsafe String(cString: text)
    }

    private func lost(_ reason: String? = nil) -> PortFailure {
        PortFailure(.outcomeUnknown, "the connection to PostgreSQL broke during a call: \(reason ?? message)")
    }

    /// Why the server refused the login.
    private func refusal() -> PortFailure { PostgresRefusal.failure(ofLogin: message) }

    /// libpq's last message, in one line.
    private var message: String {
        let text = unsafe String(cString: PQerrorMessage(connection))
        return text.split(whereSeparator: \.isNewline).map { $0.trimmingPrefix(while: \.isWhitespace) }.joined(
            separator: "; "
        )
    }
}

/// Passes an array of C strings, ended by nil, to a call.
private func withCStrings<Value>(
    _ strings: [String?],
    _ body: (UnsafePointer<UnsafePointer<CChar>?>) -> Value
) -> Value {
    let copies = unsafe strings.map { text in unsafe text.flatMap { unsafe strdup($0) } } + [nil]
    defer { _ = unsafe copies.map { unsafe free($0) } }
    let pointers = unsafe copies.map { unsafe UnsafePointer($0) }
    return unsafe pointers.withUnsafeBufferPointer { buffer in
        guard let base = buffer.baseAddress else {
            preconditionFailure("the array ends with nil, so it is not empty")
        }
        return unsafe body(base)
    }
}
