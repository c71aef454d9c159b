/// One simulated process: the executor of its tasks, so that a crash can take all of them at once.
package final class SimNode: TaskExecutor {
    package enum State: Sendable {
        case running
        /// Stopped for a while, as by SIGSTOP: its jobs and its due timers wait.
        case frozen
        /// Dead, as after SIGKILL: nothing in it ever runs again, no `defer`, no `catch`, no cancellation handler.
        case crashed
    }

    package let name: String
    package let number: Int
    package let error: ClockError
    /// Strong, for jobs that are enqueued late; the end of the run breaks the reference cycle.
    let simulation: Simulation

    init(name: String, number: Int, error: ClockError, simulation: Simulation) {
        self.name = name
        self.number = number
        self.error = error
        self.simulation = simulation
    }

    package var clock: SimClock { SimClock(node: self) }
    package var state: State { simulation.state(of: self) }
    package var isRunning: Bool { state == .running }

    package func enqueue(_ job: consuming ExecutorJob) { simulation.submit(UnownedJob(job), on: self) }

    package func asUnownedTaskExecutor() -> UnownedTaskExecutor { unsafe UnownedTaskExecutor(ordinary: self) }

    /// Starts a task of this process.
    ///
    /// It inherits nothing from the caller: no priority, no task-local value.
    package func spawn(_ body: @escaping @Sendable () async -> Void) {
        simulation.keep(Task.detached(executorPreference: self, priority: .medium, operation: body))
    }

    /// Starts a short task at once: it waits for nothing but its node's clock, so nothing needs to end it.
    func handle(_ body: @escaping @Sendable () async -> Void) {
        _ = Task<Void, Never>.immediateDetached(priority: .medium, executorPreference: self) { await body() }
    }
}
