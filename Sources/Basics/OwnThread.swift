import Glibc

/// Threads for work that blocks: Swift's shared pool has about one per core and must not block.
package enum OwnThread {
    /// Holds the closure while a C pointer stands for it.
    private final class Work: Sendable {
        let body: @Sendable () -> Void

        init(_ body: @escaping @Sendable () -> Void) { self.body = body }
    }

    /// Runs a closure on a new thread, which ends with it; the caller does not wait for the thread.
    ///
    /// Its stack has the system's default size: the limit that `ulimit -s` shows, usually 8 MB. What the closure holds
    /// is released when it returns.
    ///
    /// It ends the process when the system refuses another thread: everything that waits for this one would wait for
    /// ever.
    package static func run(_ body: @escaping @Sendable () -> Void) {
        // The thread takes over this one reference.
        let work = unsafe Unmanaged.passRetained(Work(body)).toOpaque()
        var thread = pthread_t()
        let status = unsafe pthread_create(
            &thread,
            nil,
            { argument in
                guard let argument = unsafe argument else { return nil }
                unsafe Unmanaged<Work>.fromOpaque(argument).takeRetainedValue().body()
                return nil
            },
            work
        )
        precondition(status == 0, "the system refused another thread (\(status))")
        pthread_detach(thread)
    }
}
