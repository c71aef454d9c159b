package import Migration

/// One connection on a thread of its own, because libpq and `poll` block; opened when first used and again after it broke.
package actor PostgresConnection {
    /// The time limits of a connection.
    package struct Limits: Sendable {
        /// Name lookup, TCP, TLS and login.
        package var connect: Duration
        /// The server gives up a statement after this.
        package var statement: Duration
        /// The server gives up waiting for a lock after this, where the function does not say less.
        package var lock: Duration

        package init(
            connect: Duration = .seconds(10),
            statement: Duration = .seconds(8),
            lock: Duration = .seconds(2)
        ) {
            self.connect = connect
            self.statement = statement
            self.lock = lock
        }
    }

    nonisolated package var unownedExecutor: UnownedSerialExecutor { unsafe executor.asUnownedSerialExecutor() }

    private let executor: ThreadExecutor
    private let login: PostgresLogin
    private let limits: Limits
    private var handle: PostgresHandle?

    package init(_ login: PostgresLogin, _ limits: Limits = Limits()) {
        self.login = login
        self.limits = limits
        executor = ThreadExecutor(name: "postgres")
    }

    deinit { executor.stop() }

    /// Runs one statement with text parameters, or (without parameters) several in one text.
    ///
    /// A connection that the server has closed meanwhile is opened again before anything is sent; one that breaks in
    /// mid call is reported as `outcomeUnknown`, and the next call opens another.
    ///
    /// - Returns: the rows of the last statement that has any, as text; nil = NULL.
    package func run(_ sql: String, _ parameters: [String?] = []) throws(PortFailure) -> [[String?]] {
        let handle = try opened()
        do {
            // The server's own limit comes first; ours only speaks when the server does not.
            return try handle.run(sql, parameters, within: limits.statement + .seconds(5))
        } catch {
            if !handle.isReady { self.handle = nil }
            throw error
        }
    }

    /// The version of TLS in use, or nil without it.
    package func tls() throws(PortFailure) -> String? { try opened().tls }

    /// Whether the last call left a connection that somebody else can use.
    package var isUsable: Bool { handle?.isIdle ?? false }

    private func opened() throws(PortFailure) -> PostgresHandle {
        if let handle, handle.isReady { return handle }
        handle = nil
        let fresh = try PostgresHandle(login)
        try fresh.open(within: limits.connect)
        _ = try fresh.run(
            """
            SET statement_timeout = \(limits.statement / .milliseconds(1));
            SET lock_timeout = \(limits.lock / .milliseconds(1));
            SET idle_in_transaction_session_timeout = 30000
            """,
            within: limits.connect
        )
        handle = fresh
        return fresh
    }
}
