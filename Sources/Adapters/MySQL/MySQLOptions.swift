import Migration
package import Settings

/// Where the rows are and how to reach them; `MySQLRecordSource.init` checks all options together.
package struct MySQLOptions: Sendable {
    /// How the connection is protected.
    ///
    /// There is no "encrypt without verifying": it gives no protection against a man in the middle.
    package enum TLS: Sendable, Equatable {
        /// TLS with the certificate and its name checked, against the authorities in `ca` (a PEM file) or, if it is
        /// nil, those that this machine trusts.
        case verify(ca: String?)
        /// Plain text.
        case off
    }

    package struct Columns: Sendable, Equatable {
        /// The integer primary key.
        package var id: String
        /// The tenant; the original tables call it `member_code`.
        package var tenant: String
        package var content: String

        package init(id: String = "id", tenant: String = "member_code", content: String = "parse_content") {
            self.id = id
            self.tenant = tenant
            self.content = content
        }
    }

    /// Always reached over TCP, also for `localhost`.
    package var host: String
    package var port: UInt16
    package var user: String
    package var password: Secret
    /// The default database; may be empty when `table` names one.
    package var database: String
    /// `table` or `database.table`, as `TableName` reads it.
    package var table: String
    package var columns: Columns
    /// An SQL expression that limits the job to some rows; nil for all of them.
    package var `where`: String?
    /// The highest number of connections that read records; planning uses one more.
    package var poolSize: Int
    package var tls: TLS
    /// Whether `tls: .off` is accepted for a host that is not this machine.
    package var allowsPlaintext: Bool
    /// A longer text is not read but reported as `tooLong`; in bytes of UTF-8.
    package var recordBytesMax: Int
    /// The time limit for reaching the server and logging in.
    package var connectTimeout: Duration
    /// The time limit of a statement that reads records; the server ends it.
    package var readTimeout: Duration
    /// The time limit of a statement that plans: a count or a page of ids may have to scan a large table.
    package var scanTimeout: Duration

    package init(
        host: String,
        port: UInt16 = 3306,
        user: String,
        password: Secret,
        database: String,
        table: String = "ip_summary",
        columns: Columns = Columns(),
        where: String? = nil,
        poolSize: Int = 10,
        tls: TLS = .verify(ca: nil),
        allowsPlaintext: Bool = false,
        recordBytesMax: Int = 4 << 20,
        connectTimeout: Duration = .seconds(10),
        readTimeout: Duration = .seconds(60),
        scanTimeout: Duration = .seconds(600)
    ) {
        self.host = host
        self.port = port
        self.user = user
        self.password = password
        self.database = database
        self.table = table
        self.columns = columns
        self.where = `where`
        self.poolSize = poolSize
        self.tls = tls
        self.allowsPlaintext = allowsPlaintext
        self.recordBytesMax = recordBytesMax
        self.connectTimeout = connectTimeout
        self.readTimeout = readTimeout
        self.scanTimeout = scanTimeout
    }

    /// `host:port`, for messages.
    var address: String { host.contains(":") ? "[\(host)]:\(port)" : "\(host):\(port)" }
}

extension MySQLOptions {
    package init(_ settings: Settings.MySQL, where condition: String?, allowsPlaintext: Bool) {
        self.init(
            host: settings.host,
            port: UInt16(clamping: settings.port),
            user: settings.user,
            password: settings.password,
            database: settings.database,
            table: settings.table,
            columns: Columns(id: settings.idColumn, tenant: settings.tenantColumn, content: settings.contentColumn),
            where: condition,
            poolSize: settings.poolSize,
            tls: settings.verifiesTLS ? .verify(ca: settings.caFile) : .off,
            allowsPlaintext: allowsPlaintext,
            recordBytesMax: settings.recordBytesMax
        )
    }
}
