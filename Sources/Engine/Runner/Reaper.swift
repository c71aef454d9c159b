package import Migration

/// Takes batches back from dead workers: every runner does it each 15 s ± 20 %, busy or idle, so no leader is needed.
package struct Reaper: Sendable {
    private static let interval = Duration.seconds(15)
    private static let fullInterval = Duration.seconds(300)
    private static let limit = 100

    private let ports: EnginePorts
    private let state: RunnerState
    private let job: JobID
    private let heartbeat: Duration
    private let brake: JobBrake?

    package init(ports: EnginePorts, state: RunnerState, job: JobID, heartbeat: Duration, brake: JobBrake? = nil) {
        self.brake = brake
        self.ports = ports
        self.state = state
        self.job = job
        self.heartbeat = heartbeat
    }

    /// Reaps until the task is cancelled or the runner stops.
    package func run() async {
        var lastFull: Duration?
        while !Task.isCancelled, state.stop.level == .run {
            if await mayReap() {
                let now = ports.time.now
                let full = lastFull.map { now - $0 >= Self.fullInterval } ?? true
                if await reap(full: full), full { lastFull = now }
            }
            await ports.time.sleep(
                for: ports.entropy.jittered(Self.interval, by: 0.2),
                unless: state.stop,
                reaches: .drain
            )
        }
    }

    /// After an outage of the store all leases look expired: living workers must send a heartbeat first.
    ///
    /// So the reaper's call must not be the first one after an outage: a harmless call is made before it.
    private func mayReap() async -> Bool {
        let caller = StoreCaller(ports: ports, state: state)
        let answer = await caller.answer(within: .seconds(30), until: .drain) { store throws(PortFailure) in
            try await store.stats(GetIngestionJobStats(job: job))
        }
        guard answer != nil else { return false }
        // The heartbeat's interval has a jitter of 10 %.
        return state.storeBackAt.map { ports.time.now - $0 >= heartbeat * 1.1 } ?? true
    }

    private func reap(full: Bool) async -> Bool {
        let caller = StoreCaller(ports: ports, state: state)
        // One call is bounded, and so is their number: the rest is left to the next round.
        for _ in 0..<20 {
            let call = ResetStuckBatches(job: job, limit: Self.limit, full: full)
            // Without repeats, which would go on through an outage.
            let answer = await caller.answer(within: .zero, until: .drain) { store throws(PortFailure) in
                try await store.resetStuck(call)
            }
            guard let answer else { return false }
            if answer.reset + answer.failed > 0 { ports.report(.reaped(reset: answer.reset, failed: answer.failed)) }
            // No worker reports the end of a batch that is given up here.
            if answer.failed > 0 { await brake?.checkFailures() }
            if !answer.more { return true }
        }
        return true
    }
}
