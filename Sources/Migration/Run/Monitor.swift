/// Reads the job's counters every few seconds and reports them.
package struct Monitor: Sendable {
    private let ports: EnginePorts
    private let state: RunnerState
    private let job: JobID
    private let interval: Duration

    package init(ports: EnginePorts, state: RunnerState, job: JobID, interval: Duration) {
        self.ports = ports
        self.state = state
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
            }
            try? await ports.time.sleep(for: interval)
        }
    }
}
