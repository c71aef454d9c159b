/// Calls between nodes; requests and answers meet faults independently.
package final class SimNetwork: @unchecked Sendable {  // Confined to the simulation's thread.
    /// The probability of each fault, and the transit times of requests and answers.
    package struct Weather: Sendable {
        package var requestLost = 0.0
        package var requestTwice = 0.0
        /// The server has carried out the call, and the caller does not learn it.
        package var answerLost = 0.0
        package var latency = Duration.milliseconds(1)...Duration.milliseconds(20)
        /// A far longer transit time, so that calls overtake each other and outlive their timeouts.
        package var slow = 0.0
        package var slowLatency = Duration.seconds(1)...Duration.seconds(60)

        package init() {}
    }

    /// How a call ends.
    package enum Ending: Sendable {
        /// The answer has been handed over.
        case answered
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
    @safe @exclusivity(unchecked) package var weather = Weather()
    /// Called for each answer that is lost after the server has acted.
    package var answerWasLost: (_ call: String) -> Void = { _ in }
    @safe @exclusivity(unchecked) private var cuts: Set<Way> = []

    package init(_ simulation: Simulation) { self.simulation = simulation }

    /// Blocks all traffic from one node to another; the other direction is not affected.
    package func cut(from: SimNode, to: SimNode) { cuts.insert(Way(from: from.number, to: to.number)) }

    /// Ends every cut.
    package func repair() { cuts = [] }

    /// Lets `server` carry out a call for `caller`.
    ///
    /// This function does not know the type of an answer, because waiting in generic code costs many times as much. The
    /// closure that `handle` returns hands the answer over when it arrives.
    ///
    /// - Parameters:
    ///   - name: of the call, for the counters of lost answers.
    ///   - caller: the node that waits.
    ///   - server: the node that acts.
    ///   - timeout: how long the caller waits, on the true clock.
    ///   - handle: runs as a task of the server; twice when the request is doubled.
    /// - Returns: whether there was an answer.
    package func call(
        _ name: String,
        from caller: SimNode,
        to server: SimNode,
        timeout: Duration,
        _ handle: @escaping @Sendable () async -> @Sendable () -> Void
    ) async -> Ending {
        let exchange = Exchange(self, name, from: caller, to: server, handle)
        return await withTaskCancellationHandler {
            await unsafe withUnsafeContinuation { (continuation: UnsafeContinuation<Ending, Never>) in
                unsafe exchange.continuation = continuation
                guard !Task.isCancelled, !simulation.isUnwinding else { return exchange.end(.cancelled) }
                exchange.begin(timeout)
            }
        } onCancel: {
            exchange.end(.cancelled)
        }
    }

    /// One call in transit: the first of its ends counts.
    ///
    /// A timer needs only a reference to this object, and so no memory of its own.
    @safe private final class Exchange: @unchecked Sendable {  // Confined to the simulation's thread.
        private let network: SimNetwork
        private let name: String
        private let caller: SimNode
        private let server: SimNode
        private let handle: @Sendable () async -> @Sendable () -> Void
        @exclusivity(unchecked) var continuation: UnsafeContinuation<Ending, Never>?
        @safe @exclusivity(unchecked) private var timeout: SimTimer?

        init(
            _ network: SimNetwork,
            _ name: String,
            from caller: SimNode,
            to server: SimNode,
            _ handle: @escaping @Sendable () async -> @Sendable () -> Void
        ) {
            self.network = network
            self.name = name
            self.caller = caller
            self.server = server
            self.handle = handle
        }

        func begin(_ limit: Duration) {
            timeout = network.simulation.after(limit, on: caller) { self.end(.unknown) }
            for _ in 0..<network.copies() {
                network.send(from: caller, to: server) { self.server.handle { await self.arrive() } }
            }
        }

        /// The server acts, and answers.
        private func arrive() async {
            let handOver = await handle()
            guard !network.simulation.isUnwinding else { return }
            if network.simulation.chance.chance(network.weather.answerLost) { return network.answerWasLost(name) }
            network.send(from: server, to: caller) { self.end(.answered, handOver) }
        }

        func end(_ ending: Ending, _ handOver: () -> Void = {}) {
            timeout?.cancel()
            timeout = nil
            guard let waiting = unsafe continuation else { return }
            unsafe continuation = nil
            handOver()
            unsafe waiting.resume(returning: ending)
        }
    }

    private func copies() -> Int {
        if simulation.chance.chance(weather.requestLost) { return 0 }
        return simulation.chance.chance(weather.requestTwice) ? 2 : 1
    }

    /// Sends something one way: nothing arrives over a cut or at a dead node.
    private func send(from: SimNode, to: SimNode, _ arrival: @escaping () -> Void) {
        let isSlow = simulation.chance.chance(weather.slow)
        let latency = simulation.chance.duration(isSlow ? weather.slowLatency : weather.latency)
        guard cuts.isEmpty || !cuts.contains(Way(from: from.number, to: to.number)) else { return }
        simulation.after(latency, on: to, arrival)
    }
}
