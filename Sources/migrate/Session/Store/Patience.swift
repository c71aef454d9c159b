import Migration

/// Makes a call, and repeats it a few times if it fails: every call of the store may be repeated.
func patiently<Value>(_ call: () async throws(PortFailure) -> Value) async throws -> Value {
    var rules = CallTries.Rules(.policy(RetryPolicy(base: .seconds(1), cap: .seconds(1), triesMax: nil)))
    rules.triesMax = 4
    // A person may be waiting for the command, so a wait that a server asks for is cut to this.
    rules.waitMax = .seconds(60)
    let caller = PatientCall(rules, while: { $0.kind != .cancelled }, time: Time(ContinuousClock()))
    return try await caller.result(call)
}

extension PatientCall {
    /// The answer, or the error for a command that does not wait for ever.
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
