package import Migration

/// Reads the job's counters every few seconds, reports them, and notices when another runner has ended the job.
package struct Monitor: Sendable {
    private let ports: EnginePorts
    private let state: RunnerState
    private let job: JobID
    private let interval: Duration
    private let endsRunner: Bool
    private let isIdle: @Sendable () -> Bool

    /// Makes a monitor.
    ///
    /// - Parameters:
    ///   - ports: the ports to use.
    ///   - state: the state of this runner.
    ///   - job: the job to watch.
    ///   - interval: the time between two reports.
    ///   - endsRunner: whether the runner stops as soon as the job is final.
    ///   - isIdle: whether this runner holds nothing.
    package init(
        ports: EnginePorts,
        state: RunnerState,
        job: JobID,
        interval: Duration,
        endsRunner: Bool,
        isIdle: @escaping @Sendable () -> Bool
    ) {
        self.ports = ports
        self.state = state
        self.job = job
        self.interval = interval
        self.endsRunner = endsRunner
        self.isIdle = isIdle
    }

    /// Reports until the task is cancelled.
    ///
    /// It continues after a signal, so that people see the end.
    package func run() async {
        while !Task.isCancelled {
            do throws(PortFailure) {
                let stats = try await ports.store.stats(GetIngestionJobStats(job: job))
                if stats.result == .ok { report(stats) }
            } catch {
                // If the counters cannot be read now, they are read next time; an outage is reported by callers that
                // need the store.
            }
            try? await ports.time.sleep(for: interval)
        }
    }

    /// The longest time until a batch of any dead runner can be claimed again: lease, reaper's grace and reaper's round
    /// (I25).
    private static func wait(for settings: JobSettings?) -> Duration {
        .seconds(Double(settings?.leaseSeconds ?? 0) * 1.25 + 20)
    }

    private func report(_ stats: JobStats) {
        ports.report(.progress(stats))
        if let job = stats.job { state.withWaits { $0.saw(job.status, reason: job.reason) } }
        if stats.processing > 0, stats.pending == 0, isIdle() {
            ports.report(.waitingForLeases(batches: stats.processing, atMost: Self.wait(for: stats.job?.settings)))
        }
        if endsRunner, let status = stats.job?.status, !status.isOpen { state.end(.jobEnded(status), level: .drain) }
    }
}
