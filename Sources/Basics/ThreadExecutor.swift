import Glibc

/// One thread that runs jobs in the order of their arrival: an actor's executor, for a C library that blocks.
///
/// Swift's shared pool has one thread per core; two blocking queries there would stop two cores. So an actor over a
/// blocking handle owns an executor of this type and names it in `unownedExecutor`. The thread keeps the executor alive
/// until `stop()`, which the owner calls exactly when no job can arrive any more (in its `deinit`).
///
/// Unchecked because the compiler does not understand a pthread lock: `jobs`, `isStopping`, `hasEnded` and `thread` are
/// only used between `lock()` and `unlock()`; everything else is constant.
@safe
package final class ThreadExecutor: SerialExecutor, TaskExecutor, @unchecked Sendable {
    private let mutex: UnsafeMutablePointer<pthread_mutex_t>
    private let wakeUp: UnsafeMutablePointer<pthread_cond_t>
    private let name: String
    private let onStart: @Sendable () -> Void
    private let onStop: @Sendable () -> Void
    private var jobs: [UnownedJob] = []
    private var isStopping = false
    private var hasEnded = false
    private var thread: pthread_t?

    /// Starts the thread.
    ///
    /// - Parameters:
    ///   - name: the name of the thread in an error message.
    ///   - onStart: runs on the thread before the first job.
    ///   - onStop: runs on the thread after the last job.
    package init(
        name: String,
        onStart: @escaping @Sendable () -> Void = {},
        onStop: @escaping @Sendable () -> Void = {}
    ) {
        self.name = name
        self.onStart = onStart
        self.onStop = onStop
        unsafe mutex = .allocate(capacity: 1)
        unsafe wakeUp = .allocate(capacity: 1)
        unsafe pthread_mutex_init(mutex, nil)
        unsafe pthread_cond_init(wakeUp, nil)
        OwnThread.run { [self] in run() }
    }

    deinit {
        unsafe pthread_cond_destroy(wakeUp)
        unsafe pthread_mutex_destroy(mutex)
        unsafe wakeUp.deallocate()
        unsafe mutex.deallocate()
    }

    package func enqueue(_ job: consuming ExecutorJob) {
        let job = UnownedJob(job)
        lock()
        precondition(!hasEnded, "a job came for the thread \(name) after it had been stopped")
        jobs.append(job)
        unlock()
        unsafe pthread_cond_signal(wakeUp)
    }

    /// Ends the thread after the jobs that were submitted before.
    ///
    /// It does not wait, so any thread may call it, also this one. Calling it again does nothing.
    package func stop() {
        lock()
        isStopping = true
        unlock()
        unsafe pthread_cond_signal(wakeUp)
    }

    package func asUnownedSerialExecutor() -> UnownedSerialExecutor {
        unsafe UnownedSerialExecutor(ordinary: self)
    }

    package func asUnownedTaskExecutor() -> UnownedTaskExecutor {
        unsafe UnownedTaskExecutor(ordinary: self)
    }

    package func checkIsolated() {
        precondition(isCurrent, "expected to run on the thread \(name)")
    }

    package func isIsolatingCurrentContext() -> Bool? { isCurrent }

    private var isCurrent: Bool {
        lock()
        defer { unlock() }
        guard let thread else { return false }
        return pthread_equal(pthread_self(), thread) != 0
    }

    private func run() {
        lock()
        thread = pthread_self()
        unlock()
        onStart()
        var batch: [UnownedJob] = []
        while true {
            lock()
            while jobs.isEmpty, !isStopping { unsafe pthread_cond_wait(wakeUp, mutex) }
            swap(&batch, &jobs)
            hasEnded = batch.isEmpty
            unlock()
            if batch.isEmpty { break }
            for job in batch {
                unsafe job.runSynchronously(
                    isolatedTo: asUnownedSerialExecutor(),
                    taskExecutor: asUnownedTaskExecutor()
                )
            }
            batch.removeAll(keepingCapacity: true)
        }
        onStop()
    }

    private func lock() { unsafe pthread_mutex_lock(mutex) }

    private func unlock() { unsafe pthread_mutex_unlock(mutex) }
}
