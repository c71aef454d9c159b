import Synchronization

/// Tells a runner to stop; raised by a signal, by the end of the grace period, or by a failure that stops the whole
/// job.
///
/// It is a value to wait for and not the cancellation of a task, because the last calls to the store must not be
/// cancelled with the work.
package final class StopSignal: Sendable {
    /// The urgency.
    package enum Level: Int, Sendable, Comparable {
        /// Go on.
        case run
        /// Claim nothing more and complete what is in flight.
        case drain
        /// Give everything back now.
        case release

        package static func < (left: Level, right: Level) -> Bool { left.rawValue < right.rawValue }
    }

    /// Unsafe continuation: under simulation a crashed process drops its waits, which a checked one would report.
    ///
    /// Each is resumed exactly once: by the code that removes its waiter from the list under the lock.
    @safe private struct Waiter {
        let id: UInt64
        let level: Level
        private let continuation: UnsafeContinuation<Void, Never>

        init(id: UInt64, level: Level, continuation: UnsafeContinuation<Void, Never>) {
            self.id = id
            self.level = level
            unsafe self.continuation = unsafe continuation
        }

        func resume() { unsafe continuation.resume() }
    }

    private struct State {
        var level = Level.run
        var nextID: UInt64 = 0
        var waiters: [Waiter] = []
        /// Waits that ended before they began.
        var ended: Set<UInt64> = []
    }

    private let state = Mutex(State())

    package init() {}

    package var level: Level { state.withLock { $0.level } }

    /// Raises the level; it never falls.
    package func raise(_ level: Level) {
        let woken = state.withLock { state -> [Waiter] in
            state.level = max(state.level, level)
            let woken = state.waiters.filter { $0.level <= state.level }
            state.waiters.removeAll { $0.level <= state.level }
            return woken
        }
        for waiter in woken { waiter.resume() }
    }

    /// Returns when the level is reached, or when the task is cancelled.
    package func wait(for level: Level) async {
        let id = newWait()
        await wait(id, for: level)
        forget(id)
    }

    /// Returns the number of a wait, with which it can be ended even before it has begun.
    fileprivate func newWait() -> UInt64 {
        state.withLock { state in
            state.nextID += 1
            return state.nextID
        }
    }

    /// Ends a wait.
    fileprivate func end(_ id: UInt64) {
        let waiter = state.withLock { state -> Waiter? in
            guard let index = state.waiters.firstIndex(where: { $0.id == id }) else {
                state.ended.insert(id)
                return nil
            }
            return state.waiters.remove(at: index)
        }
        waiter?.resume()
    }

    fileprivate func wait(_ id: UInt64, for level: Level) async {
        await withTaskCancellationHandler {
            unsafe await withUnsafeContinuation { (continuation: UnsafeContinuation<Void, Never>) in
                let waiter = unsafe Waiter(id: id, level: level, continuation: continuation)
                let isOver = state.withLock { state in
                    if state.level >= level || state.ended.remove(id) != nil { return true }
                    state.waiters.append(waiter)
                    return false
                }
                if isOver { waiter.resume() }
            }
        } onCancel: {
            end(id)
        }
    }

    fileprivate func forget(_ id: UInt64) { state.withLock { _ = $0.ended.remove(id) } }
}

extension Time {
    /// Sleeps until the duration has passed, the signal has reached the level, or the task is cancelled.
    package func sleep(for duration: Duration, unless signal: StopSignal, reaches level: StopSignal.Level) async {
        guard duration > .zero, signal.level < level else { return }
        let id = signal.newWait()
        // One child, started at once, that ends the wait of its parent: a runner sleeps often, and each further task
        // would be scheduled several times per sleep.
        await withTaskGroup(of: Void.self) { group in
            group.addImmediateTask {
                try? await sleep(for: duration)
                signal.end(id)
            }
            await signal.wait(id, for: level)
            group.cancelAll()
        }
        // The sleeper ends the wait once more if the signal or a cancellation was first.
        signal.forget(id)
    }
}
