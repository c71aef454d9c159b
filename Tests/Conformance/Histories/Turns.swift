import Synchronization

/// Lets tasks that run at the same time take turns, in an order that chance decides: one at a time, from one pause to the
/// next, so that a seed gives the same order again.
final class Turns: Sendable {
    private struct State {
        /// Tasks between two pauses.
        var running = 0
        var parked: [(client: Int, continuation: CheckedContinuation<Void, Never>)] = []
        var driver: CheckedContinuation<Void, Never>?

        /// The driver, when it is its turn.
        mutating func settled() -> CheckedContinuation<Void, Never>? {
            guard running == 0 else { return nil }
            defer { driver = nil }
            return driver
        }
    }

    @TaskLocal private static var client = 0
    private let state = Mutex(State())

    /// Says how many tasks will `play`, before they do.
    func expect(_ clients: Int) { state.withLock { $0.running = clients } }

    /// One task from its first turn to its last.
    func play(_ client: Int, _ body: () async -> Void) async {
        await Self.$client.withValue(client) {
            await pause()
            await body()
        }
        state.withLock { state in
            state.running -= 1
            return state.settled()
        }?.resume()
    }

    /// The end of a turn.
    func pause() async {
        await withCheckedContinuation { continuation in
            state.withLock { state in
                state.parked.append((Self.client, continuation))
                state.running -= 1
                return state.settled()
            }?.resume()
        }
    }

    /// Waits until every task is parked or over, and gives one of them a turn.
    ///
    /// - Parameter pick: chooses one of so many.
    /// - Returns: false when all are over.
    func giveOne(_ pick: (Int) -> Int) async -> Bool {
        await withCheckedContinuation { continuation in
            state.withLock { state in
                state.driver = continuation
                return state.settled()
            }?.resume()
        }
        let next = state.withLock { state -> CheckedContinuation<Void, Never>? in
            guard !state.parked.isEmpty else { return nil }
            state.parked.sort { $0.client < $1.client }
            state.running = 1
            return state.parked.remove(at: pick(state.parked.count)).continuation
        }
        next?.resume()
        return next != nil
    }
}
