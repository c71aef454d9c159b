import Migration

/// What a call can lock, in the order in which it must lock: `docs/tracking.md` §5.
enum LockKey: Hashable, Sendable {
    /// The unique index of open jobs.
    case target(String)
    case claim(String)
    /// The advisory lock that orders claims against control, finalize and requeue.
    case job(JobID)
    case jobRow(JobID)
    case batch(JobID, Int)
}

/// The mode of a lock.
enum LockMode: Sendable {
    case shared, exclusive
}

/// The holders and the waiters: shared and exclusive locks with a fair queue, as in PostgreSQL.
///
/// Only used when calls overlap. The table itself never waits: a waiter asks again after each pause.
struct LockTable: Sendable {
    /// One call in progress.
    struct Owner: Hashable, Sendable {
        fileprivate let number: Int
    }

    private struct Entry {
        let owner: Owner
        let mode: LockMode
        var isHeld: Bool
    }

    private var entries: [LockKey: [Entry]] = [:]
    private var keys: [Owner: [LockKey]] = [:]
    private var owners = 0

    /// A new call.
    mutating func open() -> Owner {
        owners += 1
        let owner = Owner(number: owners)
        keys[owner] = []
        return owner
    }

    /// Ends a call: it releases all its locks and leaves all queues.
    mutating func close(_ owner: Owner) {
        for key in keys.removeValue(forKey: owner) ?? [] {
            entries[key]?.removeAll { $0.owner == owner }
            if entries[key]?.isEmpty == true { entries[key] = nil }
        }
    }

    /// Takes a lock or a place in its queue.
    ///
    /// - Returns: whether the lock is held now.
    mutating func lock(_ key: LockKey, _ mode: LockMode, by owner: Owner) -> Bool {
        var queue = entries[key] ?? []
        if !queue.contains(where: { $0.owner == owner }) {
            queue.append(Entry(owner: owner, mode: mode, isHeld: false))
            keys[owner]?.append(key)
        }
        guard let place = queue.firstIndex(where: { $0.owner == owner }) else { return false }
        // Earlier requests go first, waiting or not; only shared locks can be held together.
        let isFree = queue[..<place].allSatisfy { $0.mode == .shared && queue[place].mode == .shared }
        queue[place].isHeld = queue[place].isHeld || isFree
        entries[key] = queue
        return queue[place].isHeld
    }

    /// `FOR UPDATE SKIP LOCKED`: takes a lock only if no other call holds it or waits for it.
    mutating func lockIfFree(_ key: LockKey, by owner: Owner) -> Bool {
        entries[key] == nil && lock(key, .exclusive, by: owner)
    }
}
