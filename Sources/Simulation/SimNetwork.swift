/// Calls between nodes, each with a fate of its own for the request and for the answer.
package final class SimNetwork: @unchecked Sendable {  // Confined to the simulation's thread.
    /// How likely what is.
    package struct Weather: Sendable {
        package var requestLost = 0.0
        package var requestTwice = 0.0
        /// The server has done it, and the caller will not know.
        package var answerLost = 0.0
        package var latency = Duration.milliseconds(1)...Duration.milliseconds(20)
        /// A way that takes far longer, so that calls overtake each other and outlive their timeouts.
        package var slow = 0.0
        package var slowLatency = Duration.seconds(1)...Duration.seconds(60)

        package init() {}
    }

    package enum Outcome<Answer: Sendable>: Sendable {
        case answered(Answer)
        /// No answer within the timeout: it may or may not have been done.
        case unknown
        /// The caller's task was cancelled.
        case cancelled
    }

    private struct Way: Hashable {
        let from: Int
        let to: Int
    }

    private unowned let simulation: Simulation
    package var weather = Weather()
    /// Told about each answer that is lost after the server has acted.
    package var answerWasLost: (_ call: String) -> Void = { _ in }
    private var cuts: Set<Way> = []

    package init(_ simulation: Simulation) { self.simulation = simulation }

    /// Lets nothing through from one node to another; the other way is not affected.
    package func cut(from: SimNode, to: SimNode) { cuts.insert(Way(from: from.number, to: to.number)) }

    /// Ends every cut.
    package func mend() { cuts = [] }

    /// Lets `server` do something for `caller`.
    ///
    /// - Parameters:
    ///   - name: of the call, for whoever counts lost answers.
    ///   - caller: who waits.
    ///   - server: who acts.
    ///   - timeout: how long the caller waits, on the true clock.
    ///   - handle: runs as a task of the server; twice when the request is doubled.
    /// - Returns: the answer, or that there was none.
    @inlinable package func call<Answer: Sendable>(
        _ name: String,
        from caller: SimNode,
        to server: SimNode,
        timeout: Duration,
        _ handle: @escaping @Sendable () async -> Answer
    ) async -> Outcome<Answer> {
        let answer = Box<Answer>()
        let ending = await exchange(name, from: caller, to: server, timeout: timeout) {
            let given = await handle()
            return { answer.value = given }
        }
        return switch (ending, answer.value) {
        case (.answered, let value?): .answered(value)
        case (.cancelled, _): .cancelled
        case (.unknown, _), (.answered, nil): .unknown
        }
    }

    /// A call without the type of its answer, so that all calls share this code; the compiler specialises what is around it.
    ///
    /// The answer is handed over by what `handle` returns, when it arrives.
    @usableFromInline package func exchange(
        _ name: String,
        from caller: SimNode,
        to server: SimNode,
        timeout: Duration,
        _ handle: @escaping @Sendable () async -> @Sendable () -> Void
    ) async -> Ending {
        let reply = Reply()
        return await withTaskCancellationHandler {
            await unsafe withUnsafeContinuation { (continuation: UnsafeContinuation<Ending, Never>) in
                unsafe reply.continuation = continuation
                guard !Task.isCancelled, !simulation.isUnwinding else { return reply.give(.cancelled) }
                reply.timeout = simulation.after(timeout, on: caller) { reply.give(.unknown) }
                for _ in 0..<copies() {
                    send(from: caller, to: server) { [self] in
                        server.handle { [self] in
                            let handOver = await handle()
                            guard !simulation.isUnwinding else { return }
                            if simulation.chance.chance(weather.answerLost) { return answerWasLost(name) }
                            send(from: server, to: caller) { reply.give(.answered, handOver) }
                        }
                    }
                }
            }
        } onCancel: {
            reply.give(.cancelled)
        }
    }

    private func copies() -> Int {
        if simulation.chance.chance(weather.requestLost) { return 0 }
        return simulation.chance.chance(weather.requestTwice) ? 2 : 1
    }

    /// One way: nothing arrives over a cut, or at a node that is dead.
    private func send(from: SimNode, to: SimNode, _ arrival: @escaping () -> Void) {
        let isSlow = simulation.chance.chance(weather.slow)
        let latency = simulation.chance.duration(isSlow ? weather.slowLatency : weather.latency)
        guard !cuts.contains(Way(from: from.number, to: to.number)) else { return }
        simulation.after(latency, on: to, arrival)
    }

    /// How an exchange ends.
    @usableFromInline package enum Ending: Sendable {
        case answered, unknown, cancelled
    }

    /// Where an answer is handed over.
    @usableFromInline
    package final class Box<Answer: Sendable>: @unchecked Sendable {  // Confined to the simulation's thread.
        @usableFromInline package var value: Answer?
        @usableFromInline package init() {}
    }

    /// The first to give an answer wins.
    @safe private final class Reply: @unchecked Sendable {  // Confined to the simulation's thread.
        var continuation: UnsafeContinuation<Ending, Never>?
        var timeout: SimTimer?

        func give(_ ending: Ending, _ handOver: () -> Void = {}) {
            timeout?.cancel()
            timeout = nil
            guard let waiting = unsafe continuation else { return }
            unsafe continuation = nil
            handOver()
            unsafe waiting.resume(returning: ending)
        }
    }
}
