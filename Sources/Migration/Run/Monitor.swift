/// Reads the job's counters every few seconds and reports them.
package struct Monitor: Sendable {
    private let ports: EnginePorts
    private let keeper: LeaseKeeper
    private let job: JobID
    private let interval: Duration

    package init(ports: EnginePorts, keeper: LeaseKeeper, job: JobID, interval: Duration) {
        self.ports = ports
        self.keeper = keeper
        self.job = job
        self.interval = interval
    }

    /// Reports until the task is cancelled.
    ///
    /// It goes on through a signal: people watch the end.
    package func run() async {
        while !Task.isCancelled {
            // A counter that cannot be read now is read the next time; an outage is reported by those who need the store.
            if let stats = try? await ports.store.stats(GetIngestionJobStats(job: job)), stats.result == .ok {
                ports.report(.progress(stats))
                if stats.processing > 0, stats.pending == 0, keeper.isIdle {
                    ports.report(.waitingForLeases(batches: stats.processing))
                }
            }
            try? await ports.time.sleep(for: interval)
        }
    }
}
