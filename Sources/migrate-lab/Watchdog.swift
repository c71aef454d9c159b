import Foundation
import Synchronization

/// Runs simulations on their own threads, and notices a run that does not return.
///
/// In a run only virtual time passes, and only between two awaits: a loop without an await holds its thread for ever,
/// and the run cannot notice that. The wall clock can.
struct Watchdog: Sendable {
    /// A run that has not ended.
    struct Stuck: Sendable, Equatable {
        let trial: Trial
        let after: Duration
    }

    /// The real time that a run may take.
    var limit = Duration.seconds(60)

    /// One thread, with the run that it is working on.
    struct Lane: Sendable {
        fileprivate let number: Int
        fileprivate let board: Board

        func work<Value>(on trial: Trial, _ body: (Trial) -> Value) -> Value {
            board.working.withLock { $0[number] = Work(trial: trial) }
            defer { board.working.withLock { $0[number] = nil } }
            return body(trial)
        }

        /// Does something that may wait for a person, such as a pager that shows a trace: that time does not count.
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

    /// Lets threads work until all of them have ended, or one is stuck; blocks the calling thread.
    ///
    /// - Returns: the stuck run. Its thread goes on: only the end of the process stops it.
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
