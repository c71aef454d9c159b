import CPostgres
import Glibc
import Migration

/// One libpq connection, used by one thread at a time; it never waits longer than a deadline.
///
/// libpq's blocking calls have no time limit, so everything here is its non-blocking half and `poll`. A cancelled task is
/// noticed within 50 ms; the statement itself then still commits, which the functions are made for.
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
                // 1 = the value of dbname is an address; what comes after it has the last word.
                unsafe withCStrings(values) { values in unsafe PQconnectStartParams(keywords, values, 1) }
            }
        }
        guard let started = unsafe started else { throw PortFailure(.unavailable, "libpq: no memory") }
        unsafe connection = started
    }

    deinit { unsafe PQfinish(connection) }

    /// Whether a statement may be sent; also within a transaction.
    ///
    /// Reads what the server has said meanwhile: before it closes an idle connection it sends a farewell, and only what
    /// follows that tells the end.
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

    /// The version of TLS, or nil without it.
    var tls: String? {
        guard let name = unsafe PQsslAttribute(connection, "protocol") else { return nil }
        return unsafe String(cString: name)
    }

    /// Waits until the server has let us in.
    func open(within limit: Duration) throws(PortFailure) {
        let deadline = clock.now + limit
        // With the SQLSTATE in the message: the only place where libpq shows it for a refused login.
        _ = unsafe PQsetErrorVerbosity(connection, PQERRORS_VERBOSE)
        // Never printed to standard error, which is libpq's default.
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
    /// - Throws: by SQLSTATE, or `outcomeUnknown` when the connection broke; the handle is then not usable.
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
        var rows: [[String?]] = []
        var failure: PortFailure?
        while true {
            while unsafe PQisBusy(connection) == 1 {
                guard try wait(for: Int16(POLLIN), until: deadline) else { throw lost("no answer within \(limit)") }
                guard unsafe PQconsumeInput(connection) == 1 else { throw lost() }
            }
            guard let result = unsafe PQgetResult(connection) else { break }
            defer { unsafe PQclear(result) }
            switch unsafe PQresultStatus(result) {
            case PGRES_TUPLES_OK: unsafe rows = Self.rows(of: result)
            case PGRES_COMMAND_OK, PGRES_EMPTY_QUERY: break
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

    /// The failure that a result carries, or nil when it has no SQLSTATE: then the connection broke.
    private static func failure(of result: OpaquePointer) -> PortFailure? {
        guard let state = unsafe field("C", of: result) else { return nil }
        return PortFailure(sqlState: state, message: unsafe field("M", of: result) ?? "")
    }

    /// A field by its letter in `postgres_ext.h`: `C` = SQLSTATE, `M` = primary message.
    private static func field(_ letter: Unicode.Scalar, of result: OpaquePointer) -> String? {
        guard let text = unsafe PQresultErrorField(result, Int32(letter.value)) else { return nil }
        return unsafe String(cString: text)
    }

    private func lost(_ reason: String? = nil) -> PortFailure {
        PortFailure(.outcomeUnknown, "the connection to PostgreSQL broke in mid call: \(reason ?? message)")
    }

    /// Why the server did not let us in.
    private func refusal() -> PortFailure {
        let message = message
        // `…FATAL:  28P01: password authentication failed…`
        if let match = message.firstMatch(of: /:  ([0-9A-Z]{5}): ([^\n]*)/) {
            let state = String(match.1)
            return PortFailure(PortFailure.kind(ofSQLState: state), "PostgreSQL: \(match.2)", code: state)
        }
        let isTLS = message.contains("SSL") || message.contains("certificate")
        return PortFailure(isTLS ? .unauthorised : .unavailable, "PostgreSQL: \(message)")
    }

    /// libpq's last message, in one line.
    private var message: String {
        let text = unsafe String(cString: PQerrorMessage(connection))
        return text.split(whereSeparator: \.isNewline).map { $0.trimmingPrefix(while: \.isWhitespace) }.joined(
            separator: "; "
        )
    }
}

/// Lends an array of C strings, ended by nil, for the time of a call.
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
