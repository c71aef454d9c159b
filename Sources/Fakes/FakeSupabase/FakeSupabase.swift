package import Migration
import Synchronization

/// The tracking store in memory: the exact semantics of `docs/tracking.md`, without SQL.
///
/// By default each call is one synchronous change, so its order and its time are exact. With `interleaving`, a call
/// takes its locks one by one in the order of the SQL, pauses while it holds them, and changes the tables when it has
/// all of them: then other calls really skip locked rows and really wait.
///
/// The database clock is the injected `Time` counted from `DatabaseTime.start`; leases and deadlines depend on nothing
/// else.
package final class FakeSupabase: JobStore, Sendable {
    /// `lock_timeout` of every function.
    private static let lockTimeout = Duration.seconds(2)
    /// Ends a wait also if no time passes because every call yields.
    private static let pausesMax = 100_000

    private struct State: Sendable {
        var tables: TrackingTables
        var locks = LockTable()
        var skips = 0
        /// How often the server was restarted.
        var restarts = 0
    }

    private let state: Mutex<State>
    private let time: Time
    private let entropy: any Entropy
    private let faults: FaultHook
    private let interleaving: (@Sendable () async -> Void)?
    private let log: (any CommitLog)?
    let policy: TrackingPolicy

    /// An empty store.
    ///
    /// - Parameters:
    ///   - time: the database clock.
    ///   - entropy: random numbers for the jitter of backoffs.
    ///   - faults: called before and after every call, with the name of the SQL function.
    ///   - interleaving: what a call does between its steps while it holds its locks, for example `Task.yield`; nil makes
    ///     each call one step.
    ///   - log: receives every call.
    ///   - policy: the rules of its decisions; tests of the checks use others than the contract's.
    package init(
        time: Time,
        entropy: any Entropy,
        faults: FaultHook = .none,
        interleaving: (@Sendable () async -> Void)? = nil,
        log: (any CommitLog)? = nil,
        policy: TrackingPolicy = TrackingPolicy()
    ) {
        self.log = log
        state = Mutex(State(tables: TrackingTables(policy: policy)))
        self.policy = policy
        self.time = time
        self.entropy = entropy
        self.faults = faults
        self.interleaving = interleaving
    }

    /// The version of the SQL with the same semantics as this fake.
    package static let schemaVersion = SchemaVersion.Answer(version: 4, minClient: 2)

    /// The id of the last row of `ingestion_event`; 0 before the first.
    package var lastEventID: Int64 { state.withLock { $0.tables.nextEventID - 1 } }

    /// How many locked rows were skipped.
    package var skippedRows: Int { state.withLock { $0.skips } }

    /// The content of the tables, for checkers.
    package func read<Value>(_ body: (TrackingTables) -> Value) -> Value { state.withLock { body($0.tables) } }

    private var now: DatabaseTime { DatabaseTime.start + time.now }

    /// The committed content of the tables.
    package func snapshot() -> (tables: TrackingTables, now: DatabaseTime) { (state.withLock { $0.tables }, now) }

    /// Restarts the server: committed changes stay, and calls in progress end without effect.
    package func restart() {
        state.withLock { state in
            state.restarts += 1
            state.locks = LockTable()
        }
    }

    /// One call: hook, locks, one change of the tables.
    ///
    /// The type of the call is erased, so that the code that waits is compiled only once: generic code that waits is
    /// many times as slow, and the simulation makes hundreds of calls per seed.
    package func run(_ call: any FakeCall) async throws(PortFailure) -> any TrackingAnswer {
        let function = type(of: call).function
        try await faults.begin(function)
        let answer: any TrackingAnswer
        let (now, chance) = (now, entropy.unit())
        if let interleaving {
            answer = try await change(call, now, chance, interleaving)
        } else {
            let transaction = Transaction(now: now, chance: chance, seen: nil, locked: nil)
            answer = try state.withLock { state throws(PortFailure) in
                try commit(call, transaction, &state.tables)
            }
        }
        try await faults.end(function)
        return answer
    }

    /// A call that takes its locks one by one.
    private func change(
        _ call: any FakeCall,
        _ now: DatabaseTime,
        _ chance: Double,
        _ pause: @Sendable () async -> Void
    ) async throws(PortFailure) -> any TrackingAnswer {
        let plan = call.locks(policy)
        let (owner, start) = state.withLock { ($0.locks.open(), $0.restarts) }
        defer { state.withLock { if $0.restarts == start { $0.locks.close(owner) } } }
        for (key, mode) in plan.locks {
            try await wait(for: key, mode, owner, since: start, pause)
            await pause()
        }
        let (seen, locked) = try await lockRows(plan, owner, now, since: start, pause)
        await pause()
        let transaction = Transaction(now: now, chance: chance, seen: seen, locked: locked)
        // The commit: the change becomes visible and the locks are released in one step.
        return try state.withLock { state throws(PortFailure) in
            try Self.requireConnection(state, since: start)
            defer { state.locks.close(owner) }
            return try commit(call, transaction, &state.tables)
        }
    }

    private static func requireConnection(_ state: State, since start: Int) throws(PortFailure) {
        guard state.restarts == start else {
            throw PortFailure(.unavailable, "terminating connection due to administrator command", code: "57P01")
        }
    }

    /// Changes the tables, and writes to the log while no other call can.
    private func commit(
        _ call: some FakeCall,
        _ transaction: Transaction,
        _ tables: inout TrackingTables
    ) throws(PortFailure) -> any TrackingAnswer {
        guard let log else { return try call.apply(to: &tables, transaction) }
        let result = Result { () throws(PortFailure) in try call.apply(to: &tables, transaction) }
        let at = transaction.now.microseconds - DatabaseTime.start.microseconds
        log.note(call, result, at: at, chance: transaction.chance)
        return try result.get()
    }

    /// Locks the batches of a call one by one, with a pause after each.
    private func lockRows(
        _ plan: LockPlan,
        _ owner: LockTable.Owner,
        _ now: DatabaseTime,
        since start: Int,
        _ pause: @Sendable () async -> Void
    ) async throws(PortFailure) -> (seen: [Int]?, locked: Set<Int>?) {
        guard let rows = plan.rows else { return (nil, nil) }
        let candidates = state.withLock { rows.candidates($0.tables, now) }
        var locked: Set<Int> = []
        if candidates.isEmpty || !rows.locks { await pause() }
        for number in candidates where rows.locks {
            if locked.count == rows.limit { break }
            let key = LockKey.batch(rows.job, number)
            if rows.skipsLocked {
                let isMine = try state.withLock { state throws(PortFailure) in
                    try Self.requireConnection(state, since: start)
                    return state.locks.lockIfFree(key, by: owner)
                }
                if !isMine {
                    state.withLock { $0.skips += 1 }
                    continue
                }
            } else {
                try await wait(for: key, .exclusive, owner, since: start, pause)
            }
            locked.insert(number)
            await pause()
        }
        return (candidates, locked)
    }

    private func wait(
        for key: LockKey,
        _ mode: LockMode,
        _ owner: LockTable.Owner,
        since restart: Int,
        _ pause: @Sendable () async -> Void
    ) async throws(PortFailure) {
        let start = time.now
        var pauses = 0
        while true {
            let isMine = try state.withLock { state throws(PortFailure) in
                try Self.requireConnection(state, since: restart)
                return state.locks.lock(key, mode, by: owner)
            }
            if isMine { return }
            guard time.now - start < Self.lockTimeout, pauses < Self.pausesMax else {
                throw PortFailure(.unavailable, "canceling statement due to lock timeout", code: "55P03")
            }
            pauses += 1
            await pause()
        }
    }
}

/// The locks that a call needs.
package struct LockPlan {
    /// The batches that a call needs, chosen when its other locks are held.
    struct Rows {
        let job: JobID
        /// At most this many.
        let limit: Int
        /// Whether it skips rows that another call holds, instead of waiting for them.
        let skipsLocked: Bool
        /// False if it only reads them: a planted mistake.
        var locks = true
        /// In the order of locking; read without locks, and read again when they are locked.
        let candidates: (TrackingTables, DatabaseTime) -> [Int]
    }

    /// In the order in which they are taken.
    var locks: [(LockKey, LockMode)] = []
    /// Taken after the locks.
    var rows: Rows?
}
