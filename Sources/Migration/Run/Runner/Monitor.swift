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
    ///   - ports: the world.
    ///   - state: of this runner.
    ///   - job: to watch.
    ///   - interval: between two reports.
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
    /// It goes on through a signal: people watch the end.
    package func run() async {
        while !Task.isCancelled {
            do throws(PortFailure) {
                let stats = try await ports.store.stats(GetIngestionJobStats(job: job))
                if stats.result == .ok { report(stats) }
            } catch {
                // Counters that cannot be read now are read the next time; an outage is reported by those who need the store.
            }
            try? await ports.time.sleep(for: interval)
        }
    }

    /// By when a batch of a dead runner can be claimed again, whoever it was: its lease, the reaper's grace and its round (I25).
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
