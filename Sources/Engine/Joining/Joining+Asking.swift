import Migration

/// Questions to people and calls to services.
extension Joining {
    /// A wait that a service asks for is cut to this: a person may be waiting at a terminal.
    private static let waitMax = Duration.seconds(60)

    func reply(to question: Question) async throws(End) -> Reply {
        guard order.canAsk else { return .nobody }
        if stop.level != .run { throw .interrupted }
        let reply = await ask(question)
        if reply == .left { throw .left }
        if stop.level != .run { throw .interrupted }
        return reply
    }

    /// Reads records although the source may be unable to return one of them: such a failure proves nothing, and
    /// prevents no run.
    ///
    /// - Returns: nil if the source has failed twice; a failure that needs a person ends joining at once.
    func readable<Value: Sendable>(
        _ operation: (any RecordSource) async throws(PortFailure) -> Value
    ) async throws(End) -> Value? {
        do throws(End) {
            return try await call(.source, triesMax: 2) { () async throws(PortFailure) in
                try await operation(ports.source)
            }
        } catch {
            guard case .failed(_, let failure) = error else { throw error }
            switch failure.kind {
            case .unavailable, .outcomeUnknown, .throttled, .unclassified: return nil
            case .rejected, .unauthorised, .outOfMoney, .full, .cancelled: throw error
            }
        }
    }

    /// Calls a service until it answers; a failure that needs a person ends joining at once.
    func call<Value: Sendable>(
        _ service: Service,
        triesMax: Int? = nil,
        _ operation: () async throws(PortFailure) -> Value
    ) async throws(End) -> Value {
        var rules = CallTries.Rules(.policy(.joining))
        rules.triesMax = triesMax ?? order.triesMax
        rules.waitMax = Self.waitMax
        rules.endsUnclassified = true
        do throws(PatientCall.End) {
            return try await PatientCall(rules, time: ports.time, entropy: ports.entropy, stop: stop).answer(operation)
        } catch {
            switch error {
            case .stopped: throw .interrupted
            case .failed(let failure): throw .failed(service, failure)
            }
        }
    }
}
