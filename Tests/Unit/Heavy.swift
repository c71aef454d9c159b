import Synchronization
import Testing

/// One heavy test at a time: `@Suite(.heavy)`.
///
/// Tests share a pool of about one thread per core. Two that compute for seconds without waiting would keep every other test
/// from being resumed, and what waits for an answer would see silence.
struct Heavy: SuiteTrait, TestTrait, TestScoping {
    var isRecursive: Bool { true }

    func provideScope(
        for test: Test,
        testCase: Test.Case?,
        performing function: @concurrent @Sendable () async throws -> Void
    ) async throws {
        // A scope is provided for suites as well; only a case computes.
        guard testCase != nil else { return try await function() }
        await Self.turn.take()
        defer { Self.turn.giveBack() }
        try await function()
    }

    private static let turn = Turn()

    private final class Turn: Sendable {
        private struct State {
            var isTaken = false
            var waiting: [CheckedContinuation<Void, Never>] = []
        }

        private let state = Mutex(State())

        func take() async {
            await withCheckedContinuation { continuation in
                let isMine = state.withLock { state in
                    if state.isTaken {
                        state.waiting.append(continuation)
                        return false
                    }
                    state.isTaken = true
                    return true
                }
                if isMine { continuation.resume() }
            }
        }

        func giveBack() {
            let next = state.withLock { state -> CheckedContinuation<Void, Never>? in
                if state.waiting.isEmpty { state.isTaken = false }
                return state.waiting.isEmpty ? nil : state.waiting.removeFirst()
            }
            next?.resume()
        }
    }
}

extension Trait where Self == Heavy {
    /// Computes for seconds without waiting.
    static var heavy: Heavy { Heavy() }
}
