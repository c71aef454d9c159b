import Migration
import Testing

@testable import Adapters

/// What poolers, proxies and failovers in front of PostgreSQL say, in their own words.
@Suite struct `Errors of poolers and failovers` {
    private static let passing = [
        // PgBouncer
        ("08P01", "server login has been failing, try again later (server_login_retry)"),
        ("08P01", "query_wait_timeout"),
        ("08P01", "no more connections allowed (max_client_conn)"), ("08P01", "pgbouncer cannot connect to server"),
        ("08P01", "server conn crashed?"), ("08P01", "client_login_timeout"), ("08P01", "client_idle_timeout"),
        ("08P01", "database is paused"), ("08P01", "query_timeout"), ("08P01", "server_lifetime"),
        ("58000", "query_wait_timeout"), ("08P01", "query timeout"), ("08P01", "database \"app\" is disabled"),
        ("08P01", "database \"app\" is not currently accepting connections"), ("08P01", "admin forced disconnect"),
        ("08P01", "the database system is starting up"), ("08P01", "sorry, too many clients already"),
        ("08P01", "too many connections for role \"me\""), ("08P01", "database removed"), ("08P01", "connect failed"),
        ("08P01", "remaining connection slots are reserved for non-replication superuser connections"),
        ("57P01", "server shutting down"), ("57P03", "the database system is shutting down"),
        // Supavisor
        ("XX000", "Max client connections reached"), ("XX000", "{:error, :db_termination}"),
        ("XX000", "DbHandler exited"),
        (
            "XX000",
            "MaxClientsInSessionMode: max clients reached - in Session mode max clients are limited to pool_size"
        ),
        ("XX000", "Unable to check out process from the pool due to timeout"), ("XX000", "(ENOTFOUND) getaddrinfo"),
        ("XX000", "Authentication error: connection to database not available"), ("XX000", ""),
        // Neon
        ("XX000", "Couldn't connect to compute node"), ("XX000", "Control plane request failed"),
        ("53300", "Failed to acquire permit to connect to the database. Too many database connection attempts"),
        // Aurora, RDS Proxy, Patroni, the server itself
        ("57P05", "terminating connection due to idle-session timeout"), ("57P01", "terminating connection"),
        ("57P02", "crash shutdown"), ("57P03", "the database system is starting up"), ("57P03", "in recovery mode"),
        ("25P03", "idle-in-transaction timeout"), ("25P04", "transaction timeout"),
        ("25P02", "current transaction is aborted"),
        ("26000", "unnamed prepared statement does not exist"), ("42P05", "prepared statement already exists"),
        ("08000", "Timed-out waiting to acquire database connection"), ("08006", "x"), ("08001", "x"), ("08004", "x"),
        ("53400", "configuration limit"), ("53200", "out of memory"), ("55006", "object in use"), ("40001", "restart"),
        ("40P01", "deadlock"), ("58030", "I/O error"), ("58P01", "could not open file"), ("XXUUU", "internal"),
        ("XXA00", ""),
        // Codes that are not known.
        ("25006", "cannot execute UPDATE in a read-only transaction"),
        ("0A000", "cached plan must not change result type"),
        ("55000", "x"), ("HV000", "x"), ("F0000", "x"), ("CR000", "x"), ("99999", "x"), ("UNKWN", ""), ("0B000", ""),
        ("PGRSTX00", ""),
    ]

    @Test(arguments: passing) func `are outages`(state: String, message: String) {
        #expect([.unavailable, SQLStateTable.unknown].contains(PortFailure(sqlState: state, message: message).kind))
    }

    private static let final = [
        ("08P01", "no such database: app"), ("08P01", "no such user: me"), ("08P01", "TLS connection required"),
        ("08P01", "unsupported startup parameter: options"), ("08P01", "password authentication failed"),
        ("08P01", "server login failed: FATAL password authentication failed for user \"me\""),
        ("08P01", "database \"app\" does not exist"), ("08P01", "role \"me\" does not exist"),
        ("08P01", "Ident authentication failed for user \"me\""), ("08P01", "SASL authentication failed"),
        ("08P01", "LDAP authentication failed for user \"me\""),
        ("08P01", "no pg_hba.conf entry for host \"10.0.0.1\", user \"me\", database \"app\", no encryption"),
        ("08P01", "pg_hba.conf rejects connection for host \"10.0.0.1\", user \"me\", database \"app\""),
        ("08P01", "role \"me\" is not permitted to log in"), ("08P01", "permission denied for database \"app\""),
        ("08P01", "not allowed"),
        ("XX000", "Tenant or user not found"), ("XX000", "Address not in tenant allow_list: {1, 2, 3, 4}"),
        ("XX000", "SSL connection is required"),
        ("XX000", "The endpoint has been disabled. Enable it using Neon API and retry."),
        ("XX000", "Your account or project has exceeded the compute time quota. Upgrade your plan to increase limits."),
        ("28000", "This RDS Proxy has no credentials for the role me"), ("28P01", "password authentication failed"),
        ("28000", "no pg_hba.conf entry for host"), ("3D000", "database \"x\" does not exist"), ("42501", "denied"),
        ("57P04", "database dropped"),
    ]

    @Test(arguments: final) func `are a person's where a person must act`(state: String, message: String) {
        #expect(PortFailure(sqlState: state, message: message).kind == .unauthorised)
    }

    @Test(arguments: [
        "22023", "23505", "42601", "P0001", "42703", "54000", "21000", "XX001", "XX002", "40002", "PGRST100",
    ])
    func `are nobody's where the call itself is wrong`(state: String) {
        #expect(PortFailure(sqlState: state, message: "").kind == .rejected)
    }

    @Test(arguments: ["25006", "08P01", "XX000", "57P01", "57P05", "26000", "25P02", "58000"])
    func `make the next call open another connection`(state: String) {
        #expect(PortFailure(sqlState: state, message: "").spoilsConnection)
    }

    @Test(arguments: ["42501", "22023", "40001", "55P03", "53300", "57014"].filter { $0 != "57014" })
    func `leave the connection where it is sound`(state: String) {
        #expect(!PortFailure(sqlState: state, message: "").spoilsConnection)
    }

    private static let at = "connection to server at \"db.example\" (10.0.0.1), port 5432 failed: "

    @Test(arguments: [
        "SSL SYSCALL error: EOF detected", "SSL SYSCALL error: Connection reset by peer",
        "SSL error: unexpected eof while reading",
        "SSL connection has been closed unexpectedly", "server closed the connection unexpectedly",
        "Connection refused",
        "timeout expired", "could not receive data from server: Connection reset by peer", "No route to host",
        "FATAL:  57P03: the database system is starting up", "FATAL:  08P01: server login has been failing",
        "FATAL:  XX000: Max client connections reached", "FATAL:  53300: too many connections for role \"me\"",
        "session is read-only", "could not translate host name \"db\" to address: Temporary failure in name resolution",
        "FATAL:  57P05: idle", "SSL SYSCALL error: Broken pipe",
    ])
    func `a login that breaks off is an outage`(message: String) {
        #expect(PostgresRefusal.failure(ofLogin: Self.at + message).kind == .unavailable)
    }

    @Test(arguments: [
        "server certificate for \"db\" does not match host name \"x\"", "SSL error: certificate verify failed",
        "server does not support SSL, but SSL was required", "received invalid response to SSL negotiation: H",
        "expected authentication request from server, but received H", "fe_sendauth: no password supplied",
        "FATAL:  28P01: password authentication failed for user \"me\"", "FATAL:  3D000: database \"x\" does not exist",
        "FATAL:  XX000: Tenant or user not found", "authentication method 10 not supported",
        "SSL error: tlsv1 alert unknown ca",
        "root certificate file \"/x\" does not exist", "FATAL:  28000: no pg_hba.conf entry for host \"10.0.0.2\"",
        "FATAL:  08P01: no such database: app",
    ])
    func `a login that a person must repair ends the run`(message: String) {
        #expect(PostgresRefusal.failure(ofLogin: Self.at + message).kind == .unauthorised)
    }
}
