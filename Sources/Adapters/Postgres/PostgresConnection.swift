import Basics
package import Migration

/// One connection on its own thread, because libpq and `poll` block; opened when first used and again after it broke.
package actor PostgresConnection {
    /// The time limits of a connection's calls.
    package struct Limits: Sendable {
        /// Name lookup, TCP, TLS and login.
        package var connect: Duration
        /// The server gives up a call after this time.
        package var statement: Duration
        /// The server gives up waiting for a lock after this time, unless the function sets a shorter one.
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

    /// Runs one statement with text parameters in its own transaction, under the limits.
    ///
    /// Nothing is ever set for the session: behind a pooler the server's connection may belong to another client a
    /// moment later.
    ///
    /// - Returns: its rows, as text; nil = NULL.
    /// - Throws: as `run`.
    package func call(_ sql: String, _ parameters: [String?] = []) throws(PortFailure) -> [[String?]] {
        let limits = limits
        return try use { (handle) throws(PortFailure) in
            try handle.call(sql, parameters, under: limits, within: patience)
        }
    }

    /// Runs one statement with text parameters, or (without parameters) several in one text, unchanged: the server's
    /// time limits are those in the text or of the role.
    ///
    /// A connection that the server has closed meanwhile is opened again before anything is sent. One that breaks in
    /// the middle of a call is reported as `outcomeUnknown`, and the next call opens another one.
    ///
    /// - Returns: the rows of the last statement that has any, as text; nil = NULL.
    package func run(_ sql: String, _ parameters: [String?] = []) throws(PortFailure) -> [[String?]] {
        try use { (handle) throws(PortFailure) in try handle.run(sql, parameters, within: patience) }
    }

    /// The server's own limit comes first; this one applies only when the server is silent.
    private var patience: Duration { limits.statement + .seconds(5) }

    private func use(
        _ body: (PostgresHandle) throws(PortFailure) -> [[String?]]
    ) throws(PortFailure) -> [[String?]] {
        let handle = try opened()
        do { return try body(handle) } catch {
            if error.spoilsConnection || !handle.isReady { self.handle = nil }
            throw error
        }
    }

    /// Runs texts that together form one transaction: the first begins it, the last ends it.
    ///
    /// No connection is opened in between: what follows would not be in the transaction. After a failure nothing of it
    /// remains, and the failure names the step.
    package func transaction(_ steps: [(name: String, sql: String)]) throws(PortFailure) {
        let handle = try opened()
        for step in steps {
            do { _ = try handle.run(step.sql, within: limits.statement + .seconds(5)) } catch {
                _ = try? handle.run("ROLLBACK", within: .seconds(5))
                if error.spoilsConnection || !handle.isReady { self.handle = nil }
                throw PortFailure(error.kind, "\(step.name): \(error.detail)", code: error.code)
            }
        }
    }

    /// The version of TLS in use, or nil without TLS.
    package func tls() throws(PortFailure) -> String? { try opened().tls }

    /// Whether the last call left a connection that another call can use.
    package var isUsable: Bool { handle?.isIdle ?? false }

    private func opened() throws(PortFailure) -> PostgresHandle {
        if let handle, handle.isReady { return handle }
        handle = nil
        let fresh = try PostgresHandle(login)
        try fresh.open(within: limits.connect)
        handle = fresh
        return fresh
    }
}
