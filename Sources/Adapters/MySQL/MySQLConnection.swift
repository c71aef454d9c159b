import Basics
import Migration
import Synchronization

/// One connection and its thread: libmariadb blocks, so this actor brings its own executor.
///
/// It connects when it is first used, and once more per call when the link turns out to be dead; so it never breaks for
/// good. It is for reads only, which may be repeated.
actor MySQLConnection {
    nonisolated var unownedExecutor: UnownedSerialExecutor { unsafe executor.asUnownedSerialExecutor() }

    private nonisolated let executor = ThreadExecutor(name: "mysql")
    private nonisolated let options: MySQLOptions
    private let statementTimeout: Duration
    private var handle: MySQLHandle?
    /// The server's number of this connection while a call runs on it; a cancellation needs it.
    private nonisolated let running = Mutex<UInt?>(nil)

    init(_ options: MySQLOptions, statementTimeout: Duration) {
        self.options = options
        self.statementTimeout = statementTimeout
    }

    deinit { executor.stop() }

    /// Runs reads on the connection's thread.
    ///
    /// Cancelling the task ends the statement at the server, over a second connection; this one stays usable.
    ///
    /// `work` blocks, changes nothing, and may be run a second time from its beginning. It throws `cancelled` after a
    /// cancellation that came in time.
    nonisolated func read<Value: Sendable>(
        _ work: @Sendable (borrowing MySQLHandle) throws(PortFailure) -> Value
    ) async throws(PortFailure) -> Value {
        let killing = Killing()
        let result: Result<Value, PortFailure> = await withTaskCancellationHandler {
            await self.result(of: work)
        } onCancel: {
            killing.start { await self.kill() }
        }
        // No other call may use this connection before the last KILL QUERY has been sent and has had its effect.
        if await killing.hasEnded() { await absorbKill() }
        return try result.get()
    }

    private func result<Value: Sendable>(
        of work: @Sendable (borrowing MySQLHandle) throws(PortFailure) -> Value
    ) -> Result<Value, PortFailure> {
        do { return .success(try attemptTwice(work)) } catch {
            return .failure(Task.isCancelled ? PortFailure(.cancelled, "the MySQL query was cancelled") : error)
        }
    }

    private func attemptTwice<Value>(
        _ work: (borrowing MySQLHandle) throws(PortFailure) -> Value
    ) throws(PortFailure) -> Value {
        // A server that cannot be reached is not tried twice: the error of `open` goes to the caller.
        if handle == nil { try open() }
        do { return try attempt(work) } catch {
            guard handle == nil, !Task.isCancelled else { throw error }
        }
        try open()
        return try attempt(work)
    }

    private func open() throws(PortFailure) {
        handle = try MySQLHandle.open(options, statementTimeout: statementTimeout)
    }

    /// Runs `work` on the open handle, and drops the handle when its link proves dead.
    private func attempt<Value>(
        _ work: (borrowing MySQLHandle) throws(PortFailure) -> Value
    ) throws(PortFailure) -> Value {
        do throws(PortFailure) {
            switch handle {
            case .some(let handle):
                running.withLock { $0 = handle.threadID }
                defer { running.withLock { $0 = nil } }
                if Task.isCancelled { throw PortFailure(.cancelled, "the MySQL query was cancelled") }
                return try work(handle)
            case nil: preconditionFailure("the caller has opened it")
            }
        } catch {
            if error.isDeadLink { handle = nil }
            throw error
        }
    }

    /// Ends the running statement over a second connection; repeated, because the first try may come before the
    /// statement.
    private nonisolated func kill() async {
        let second = MySQLConnection(options, statementTimeout: .seconds(10))
        for _ in 0..<50 {
            guard let number = running.withLock({ $0 }) else { return }
            // A failure here is not the caller's: the statement's own time limit ends it then.
            _ = await second.result { (handle) throws(PortFailure) in try handle.execute("KILL QUERY \(number)") }
            guard running.withLock({ $0 }) != nil else { return }
            try? await Task.sleep(for: .milliseconds(100))
        }
    }

    /// A late KILL QUERY may hit the next statement: an empty one takes the hit.
    private func absorbKill() {
        guard handle != nil else { return }
        for _ in 0..<2 {
            do {
                switch handle {
                case .some(let handle): return try handle.execute("DO 0")
                case nil: return
                }
            } catch {
                if error.isDeadLink { handle = nil }
            }
        }
    }
}

/// The only task that a cancellation handler, which cannot await, may start; its owner awaits it.
private final class Killing: Sendable {
    private let task = Mutex<Task<Void, Never>?>(nil)

    func start(_ operation: @escaping @Sendable () async -> Void) {
        task.withLock { $0 = Task { await operation() } }
    }

    /// Waits for the task; false when there was none.
    func hasEnded() async -> Bool {
        guard let task = task.withLock({ $0 }) else { return false }
        await task.value
        return true
    }
}
