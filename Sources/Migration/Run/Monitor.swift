/// Reads the job's counters every few seconds, reports them, and notices when another runner has ended the job.
package struct Monitor: Sendable {
    private let ports: EnginePorts
    private let state: RunnerState
    private let keeper: LeaseKeeper
    private let job: JobID
    private let interval: Duration

    package init(ports: EnginePorts, state: RunnerState, keeper: LeaseKeeper, job: JobID, interval: Duration) {
        self.ports = ports
        self.state = state
        self.keeper = keeper
        self.job = job
        self.interval = interval
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
        if stats.processing > 0, stats.pending == 0, keeper.isIdle {
            ports.report(.waitingForLeases(batches: stats.processing, atMost: Self.wait(for: stats.job?.settings)))
        }
        if let status = stats.job?.status, !status.isOpen { state.end(.jobEnded(status), level: .drain) }
    }
}
