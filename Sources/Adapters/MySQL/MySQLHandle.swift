import CMariaDB
import Migration
import Settings

/// One connection of libmariadb: blocking, used by one thread at a time, closed exactly once.
@safe
struct MySQLHandle: ~Copyable {
    private let pointer: UnsafeMutablePointer<MYSQL>
    private let options: MySQLOptions

    /// The server's number of this connection, for `KILL QUERY`.
    var threadID: UInt { unsafe mysql_thread_id(pointer) }

    /// For example `TLSv1.3`; nil for plain text.
    var tlsVersion: String? {
        guard unsafe mysql_get_ssl_cipher(pointer) != nil else { return nil }
        var version: UnsafePointer<CChar>?
        let status = unsafe mariadb_get_info(pointer, MARIADB_CONNECTION_TLS_VERSION, &version)
        return unsafe status == 0 ? version.map { unsafe String(cString: $0) } : nil
    }

    private init(_ options: MySQLOptions) throws(PortFailure) {
        guard let pointer = unsafe mysql_init(nil) else { throw PortFailure(.unavailable, "mysql_init: no memory") }
        unsafe self.pointer = pointer
        self.options = options
    }

    deinit { unsafe mysql_close(pointer) }

    /// Connects, logs in, makes the session read-only and checks that text arrives as it is stored.
    ///
    /// After `statementTimeout` the server ends a statement; the client waits a little longer.
    static func open(_ options: MySQLOptions, statementTimeout: Duration) throws(PortFailure) -> MySQLHandle {
        let handle = try MySQLHandle(options)
        handle.configure(readTimeout: statementTimeout + .seconds(5))
        try handle.connect()
        try handle.prepareSession(statementTimeout: statementTimeout)
        return handle
    }

    /// Must run before the first thread of the library; it also ignores SIGPIPE for the whole process.
    static func prepareLibrary() { precondition(libraryStatus == 0, "libmariadb cannot be used") }
    private static let libraryStatus: Int32 = mysql_server_init(0, nil, nil)

    private func configure(readTimeout: Duration) {
        set(MYSQL_OPT_CONNECT_TIMEOUT, UInt32(clamping: options.connectTimeout.components.seconds))
        set(MYSQL_OPT_READ_TIMEOUT, UInt32(clamping: readTimeout.components.seconds))
        set(MYSQL_OPT_WRITE_TIMEOUT, UInt32(30))
        // Set before connecting: if it is set later, or as `utf8`, characters of four bytes arrive as `?` without an
        // error.
        set(MYSQL_SET_CHARSET_NAME, "utf8mb4")
        // Always TCP: otherwise "localhost" would mean the socket.
        set(MYSQL_OPT_PROTOCOL, MYSQL_PROTOCOL_TCP.rawValue)
        // A server must not be able to request a file of this machine.
        set(MYSQL_OPT_LOCAL_INFILE, UInt32(0))
        // A silent reconnect would lose the session's settings, read-only among them.
        set(MYSQL_OPT_RECONNECT, my_bool(0))
        switch options.tls {
        case .off:
            set(MYSQL_OPT_SSL_ENFORCE, my_bool(0))
            set(MYSQL_OPT_SSL_VERIFY_SERVER_CERT, my_bool(0))
        case .verify(let authorities):
            set(MYSQL_OPT_SSL_ENFORCE, my_bool(1))
            // The option to enforce TLS silently falls back to plain text; only verification refuses a server without
            // TLS.
            set(MYSQL_OPT_SSL_VERIFY_SERVER_CERT, my_bool(1))
            if let authorities { set(MYSQL_OPT_SSL_CA, authorities) }
        }
    }

    /// The value must have exactly the width that the option expects: UInt32 for numbers, my_bool for flags.
    private func set<Value: BitwiseCopyable>(_ option: mysql_option, _ value: Value) {
        let status = unsafe withUnsafePointer(to: value) { unsafe mysql_options(pointer, option, $0) }
        precondition(status == 0, "libmariadb does not know option \(option.rawValue)")
    }

    private func set(_ option: mysql_option, _ value: String) {
        let status = unsafe value.withCString { unsafe mysql_options(pointer, option, $0) }  // copied
        precondition(status == 0, "libmariadb does not know option \(option.rawValue)")
    }

    private func connect() throws(PortFailure) {
        let database: String? = options.database.isEmpty ? nil : options.database
        let connected = options.password.withExposedValue { password in
            unsafe mysql_real_connect(
                pointer,
                options.host,
                options.user,
                password,
                database,
                UInt32(options.port),
                nil,
                0
            ) != nil
        }
        guard connected else { throw failure(isConnecting: true) }
        if options.tls != .off, unsafe mysql_get_ssl_cipher(pointer) == nil {
            throw PortFailure(.unauthorised, "MySQL at \(options.address): the connection is not encrypted")
        }
    }

    private func prepareSession(statementTimeout: Duration) throws(PortFailure) {
        // A server's init_connect runs after the connection is made and before this, and may have set another character
        // set.
        try execute("SET NAMES utf8mb4")
        var version = ""
        var charsets: [String?] = []
        try forEachRow(of: "SELECT @@version, @@character_set_client, @@character_set_results") { row in
            version = row.string(0) ?? ""
            charsets = [row.string(1), row.string(2)]
        }
        guard charsets == ["utf8mb4", "utf8mb4"] else {
            throw PortFailure(.rejected, "MySQL at \(options.address) does not support utf8mb4: text would be damaged")
        }
        try execute("SET SESSION TRANSACTION READ ONLY")
        // Otherwise a CHAR arrives with or without its padding spaces, depending on the server's configuration, and the
        // tenant is part of every point's id.
        try execute("SET SESSION sql_mode = REPLACE(@@sql_mode, 'PAD_CHAR_TO_FULL_LENGTH', '')")
        // A server may have other defaults: without autocommit the first read fixes what all later reads see, and with
        // a limit on selected rows records would seem to have vanished.
        try execute("SET SESSION autocommit = 1, sql_select_limit = 18446744073709551615, sql_big_selects = 1")
        let seconds = max(1, statementTimeout.components.seconds)
        let isMariaDB = version.lowercased().contains("mariadb")
        do {
            let limit = isMariaDB ? "max_statement_time = \(seconds)" : "max_execution_time = \(seconds * 1000)"
            try execute("SET SESSION \(limit)")
        } catch {
            // Servers before MariaDB 10.1 and MySQL 5.7.8 have no such limit; the client's own limit remains.
            guard error.code == "\(MySQLErrorCode.unknownVariable.rawValue)" else { throw error }
        }
    }

    /// Runs a statement that returns no rows.
    func execute(_ sql: String) throws(PortFailure) {
        try forEachRow(of: sql) { _ in }
    }

    /// Runs a statement and passes on its rows one by one as they arrive; nothing is buffered.
    ///
    /// - Throws: also when an error ends the stream: an incomplete result never looks complete.
    func forEachRow(
        of sql: String,
        columns check: ([MySQLColumn]) throws(PortFailure) -> Void = { _ in },
        _ body: (borrowing MySQLRow) throws(PortFailure) -> Void
    ) throws(PortFailure) {
        var sql = sql
        let status = sql.withUTF8 { bytes in
            unsafe bytes.withMemoryRebound(to: CChar.self) {
                unsafe mysql_real_query(pointer, $0.baseAddress, UInt($0.count))
            }
        }
        guard status == 0 else { throw failure() }
        guard let result = unsafe mysql_use_result(pointer) else {
            if unsafe mysql_field_count(pointer) == 0 { return }
            throw failure()
        }
        // Reads and drops the remaining rows, so that the connection stays usable.
        defer { unsafe mysql_free_result(result) }
        let count = Int(unsafe mysql_num_fields(result))
        if let fields = unsafe mysql_fetch_fields(result) {
            try check((0..<count).map { unsafe MySQLColumn(fields[$0]) })
        }
        while let values = unsafe mysql_fetch_row(result) {
            guard let lengths = unsafe mysql_fetch_lengths(result) else { throw failure() }
            try body(unsafe MySQLRow(values: values, lengths: lengths, count: count))
        }
        // nil means the end or an error; only the number tells which.
        if unsafe mysql_errno(pointer) != 0 { throw failure() }
    }

    private func failure(isConnecting: Bool = false) -> PortFailure {
        let message = unsafe mysql_error(pointer).map { unsafe String(cString: $0) } ?? ""
        var code = MySQLErrorCode(rawValue: unsafe mysql_errno(pointer))
        // On an established connection a TLS error is an end of file: the connection was killed.
        if code == .tls, !isConnecting { code = .serverLost }
        let state = unsafe mysql_sqlstate(pointer).map { unsafe String(cString: $0) } ?? ""
        return PortFailure(code, state: state, message: message, options: options)
    }
}

/// The server's description of a column of the result.
struct MySQLColumn {
    let isInteger: Bool
    let isUnsigned: Bool

    fileprivate init(_ field: MYSQL_FIELD) {
        let integers = [MYSQL_TYPE_TINY, MYSQL_TYPE_SHORT, MYSQL_TYPE_INT24, MYSQL_TYPE_LONG, MYSQL_TYPE_LONGLONG]
        isInteger = integers.contains { unsafe $0 == field.type }
        isUnsigned = unsafe field.flags & UInt32(UNSIGNED_FLAG) != 0
    }
}
