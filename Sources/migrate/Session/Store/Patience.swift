import Migration

/// Calls again, a few times, what may be repeated: every call of the store may.
func patiently<Value>(_ call: () async throws(PortFailure) -> Value) async throws -> Value {
    var rules = CallTries.Rules(.policy(RetryPolicy(base: .seconds(1), cap: .seconds(1), triesMax: nil)))
    rules.triesMax = 4
    // Somebody may be waiting for the command, so no server keeps it for longer.
    rules.waitMax = .seconds(60)
    let caller = PatientCall(rules, while: { $0.kind != .cancelled }, time: Time(ContinuousClock()))
    return try await caller.result(call)
}

extension PatientCall {
    /// The answer, with the ends of a command that has nothing to keep going.
    func result<Value>(_ call: () async throws(PortFailure) -> Value) async throws -> Value {
        do throws(End) {
            return try await answer(call)
        } catch {
            switch error {
            case .stopped: throw CancellationError()
            case .failed(let failure): throw failure
            }
        }
    }
}
