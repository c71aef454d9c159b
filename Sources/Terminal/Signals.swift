package import Migration

/// The meaning of a signal: it depends on how many have come.
package enum SignalResponse: Equatable {
    /// The first signal: claim nothing more, let batches in flight end within the grace period.
    case drain
    /// The second: give everything back now.
    case release
    /// The third: leave at once; the leases run out by themselves.
    case leave

    package init(count: Int) {
        switch count {
        case ...1: self = .drain
        case 2: self = .release
        default: self = .leave
        }
    }

    package func sentence(grace: Duration) -> String {
        switch self {
        case .drain:
            "Stopping: batches in flight may take \(Format.duration(grace)); repeat to give them back now."
        case .release: "Giving back the batches in flight."
        case .leave: "Leaving at once; other runners take over when the leases have run out."
        }
    }
}

/// As below, with messages for batches in flight.
package func withSignals<Value: Sendable>(
    raising stop: StopSignal,
    grace: Duration,
    console: Console,
    _ body: @escaping @Sendable () async throws -> Value
) async throws -> Value {
    try await withSignals(raising: stop, announces: { $0.sentence(grace: grace) }, console: console, running: body)
}

/// Runs `body` while SIGINT, SIGTERM and SIGHUP raise `stop`; a signal during a question goes only to the question.
package func withSignals<Value: Sendable>(
    raising stop: StopSignal,
    announces: @escaping @Sendable (SignalResponse) -> String,
    console: Console,
    running body: @escaping @Sendable () async throws -> Value
) async throws -> Value {
    let signals = SignalInbox.shared.listen()
    defer { SignalInbox.shared.stopListening() }
    return try await withThrowingTaskGroup(of: Value?.self) { group in
        group.addTask {
            var count = 0
            for await _ in signals {
                count += 1
                let response = SignalResponse(count: count)
                // The stop comes first: a stopped terminal must not keep the work from ending.
                switch response {
                case .drain: stop.raise(.drain)
                case .release: stop.raise(.release)
                case .leave: break
                }
                console.live.error("\n" + announces(response))
                if response == .leave { console.exit(ExitStatus.stopped.rawValue) }
            }
            return nil
        }
        group.addTask { try await body() }
        while let result = try await group.next() {
            guard let value = result else { continue }
            group.cancelAll()
            return value
        }
        throw CancellationError()
    }
}
