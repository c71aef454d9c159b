import Foundation
import Synchronization

/// Runs simulations on threads of their own, and notices one that does not come back.
///
/// Inside a run only virtual time passes, and only between two awaits: a loop without any holds its thread for ever, and the
/// run cannot see that. The wall clock can.
struct Watchdog: Sendable {
    /// A run that has not ended.
    struct Stuck: Sendable, Equatable {
        let trial: Trial
        let after: Duration
    }

    /// The real time that a run may take.
    var limit = Duration.seconds(60)

    /// One thread: it says what it is working on.
    struct Lane: Sendable {
        fileprivate let number: Int
        fileprivate let board: Board

        func work<Value>(on trial: Trial, _ body: (Trial) -> Value) -> Value {
            board.working.withLock { $0[number] = Work(trial: trial) }
            defer { board.working.withLock { $0[number] = nil } }
            return body(trial)
        }

        /// Does what may wait for a person, who reads a trace in a pager: that time is not the run's.
        func waiting(_ body: () -> Void) {
            let start = ContinuousClock.now
            board.working.withLock { $0[number]?.isWaiting = true }
            body()
            board.working.withLock { working in
                working[number]?.isWaiting = false
                working[number]?.since += start.duration(to: .now)
            }
        }
    }

    fileprivate struct Work {
        let trial: Trial
        var since = ContinuousClock.now
        var isWaiting = false
    }

    fileprivate final class Board: Sendable {
        let working = Mutex<[Int: Work]>([:])
    }

    /// Lets threads work until each has come to its end, or one is stuck; blocks the calling thread.
    ///
    /// - Returns: the run that is stuck. Its thread goes on: only the end of the process stops it.
    func run(threads: Int, _ body: @escaping @Sendable (Lane) -> Void) -> Stuck? {
        let board = Board()
        let group = DispatchGroup()
        for number in 0..<threads {
            group.enter()
            let thread = Thread {
                body(Lane(number: number, board: board))
                group.leave()
            }
            thread.stackSize = 8 << 20
            thread.start()
        }
        let look = min(1, limit / .seconds(4))
        while group.wait(timeout: .now() + look) == .timedOut {
            let oldest = board.working.withLock { working in
                working.values.filter { !$0.isWaiting }.min { $0.since < $1.since }
            }
            if let oldest, oldest.since.duration(to: .now) >= limit { return Stuck(trial: oldest.trial, after: limit) }
        }
        return nil
    }
}
