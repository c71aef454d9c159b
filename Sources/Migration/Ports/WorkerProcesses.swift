/// Runs each worker in its own process, so that a crash ends only one of them.
package protocol WorkerProcesses: Sendable {
    /// Starts a worker process and waits for its end.
    ///
    /// - Parameters:
    ///   - job: the job that it works on.
    ///   - stop: at `drain` the process is asked to end, and killed if it has not ended within 10 s; at `release` it is
    ///     asked again, to give back what it holds.
    ///   - hear: receives the events in it.
    /// - Returns: how it ended.
    func run(
        _ job: JobID,
        until stop: StopSignal,
        hear: @escaping @Sendable (MigrationEvent) -> Void
    ) async -> WorkerProcessEnd
}

/// How a worker process ended.
package enum WorkerProcessEnd: Sendable {
    /// It left, and said why.
    case left(StopReason)
    /// It gave no reason: a signal, a crash, or it could not be started; in words that follow "worker process 2".
    case died(String)
}
