/// Runs workers as processes of their own, so that what kills one kills nothing else.
package protocol WorkerProcesses: Sendable {
    /// Starts a worker process and waits for its end.
    ///
    /// - Parameters:
    ///   - job: what it works on.
    ///   - stop: at `drain` the process is asked to end, and it is killed when it does not within 10 s; at `release` it is
    ///     asked again, to give back what it holds.
    ///   - hear: receives what happens in it.
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
    /// It said nothing: a signal, a crash, or it could not be started; in words that follow "worker process 2".
    case died(String)
}
