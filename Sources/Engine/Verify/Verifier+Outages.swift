import Migration

extension Verifier {
    /// The result of a comparison so far; a value, so that a batch whose comparison was interrupted is compared again
    /// and counted once.
    struct Step: Sendable {
        var report: VerificationReport
        var doubts = Doubts()
        /// Points that the collection holds for the records compared.
        var points = 0
    }

    /// Repeats what an outage has interrupted, as a run does, until it succeeds or the stop signal is raised.
    ///
    /// - Parameters:
    ///   - hasWorked: whether the services have answered before; otherwise a person waits for an answer, and gets the
    ///     failure.
    ///   - operation: may be repeated: what it changes outside, it may change twice.
    /// - Returns: the result of the operation.
    /// - Throws: refusals, failures before the first answer, and `cancelled` after the stop signal.
    func ridingOut<Value: Sendable>(
        _ hasWorked: Bool,
        _ operation: () async throws(ServiceFailure) -> Value
    ) async throws(ServiceFailure) -> Value {
        var tries = 0
        var streak = UnclassifiedStreak()
        while true {
            do throws(ServiceFailure) {
                return try await operation()
            } catch {
                tries += 1
                // The caller of the store has tried for long enough already.
                if case .fatal = state.reason { throw error }
                if let end = streak.verdict(on: error.failure, at: ports.time.now) {
                    throw ServiceFailure(error.service, end)
                }
                guard hasWorked, error.failure.code != ServiceFailure.unreadableCode, let wait = wait(error, tries)
                else { throw error }
                try checkStop()
                ports.report(.retrying(error.service, error.failure, after: wait))
                await ports.time.sleep(for: wait, unless: state.stop, reaches: .drain)
                try checkStop()
            }
        }
    }

    private func wait(_ failure: ServiceFailure, _ tries: Int) -> Duration? {
        switch RetryPolicy.store.decide(failure.failure.kind, tries: tries, jitter: ports.entropy.unit()) {
        case .retry(let wait), .wait(let wait): wait
        case .giveBack, .isolate, .stop, .cancelled: nil
        }
    }

    /// Ends the comparison if it was told to stop.
    func checkStop() throws(ServiceFailure) {
        guard state.stop.level > .run else { return }
        throw ServiceFailure(
            .source,
            PortFailure(.cancelled, "stopped before the end: `migrate verify --resume` goes on from there")
        )
    }
}
