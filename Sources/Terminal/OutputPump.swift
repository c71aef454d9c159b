import Basics
import Dispatch
import Glibc
import Synchronization

/// Writes to one stream on its own thread, so that a stopped terminal (Ctrl-S), a full pipe or a slow reader delays
/// only those callers that want to wait.
///
/// Progress is queued, and dropped if the queue is full; an answer waits until it is written.
final class OutputPump: Sendable {
    /// Enough for a screen of a thousand lines; more would not be read.
    static let backlogMax = 256 << 10

    private struct Text {
        let bytes: [UInt8]
        /// Signalled when the text has been written, or cannot be.
        let written: DispatchSemaphore?
    }

    private struct Queue {
        var texts: [Text] = []
        var bytes = 0
    }

    private let descriptor: Int32
    private let queue = Mutex(Queue())
    private let problem = Mutex<Int32?>(nil)
    private let filled = DispatchSemaphore(value: 0)

    /// Starts the thread, which lives as long as the process.
    init(_ descriptor: Int32) {
        self.descriptor = descriptor
        OwnThread.run { [self] in
            while true {
                filled.wait()
                guard let text = next() else { continue }
                if let error = Self.write(text.bytes, to: descriptor) { problem.withLock { $0 = $0 ?? error } }
                queue.withLock { $0.bytes -= text.bytes.count }
                text.written?.signal()
            }
        }
    }

    /// Writes a text, and returns when it has left the program, however long that takes.
    ///
    /// - Parameters:
    ///   - text: what to write.
    ///   - isLeaving: whether a signal has asked the program to end; then it waits at most two more seconds.
    func write(_ text: String, unless isLeaving: () -> Bool = { false }) {
        let written = DispatchSemaphore(value: 0)
        add(Text(bytes: Array(text.utf8), written: written))
        var slicesLeft = 20
        while written.wait(timeout: .now() + 0.1) == .timedOut {
            guard isLeaving() else { continue }
            slicesLeft -= 1
            if slicesLeft <= 0 { return }
        }
    }

    /// Writes when the stream accepts the text, or drops it if too much is waiting already; returns at once.
    func offer(_ text: String) {
        let isFull = queue.withLock { $0.bytes + text.utf8.count > Self.backlogMax }
        if !isFull { add(Text(bytes: Array(text.utf8), written: nil)) }
    }

    /// Waits until the text written so far has left the program, but no longer than this.
    func drain(within limit: Duration) {
        let written = DispatchSemaphore(value: 0)
        add(Text(bytes: [], written: written))
        _ = written.wait(timeout: .now() + limit / .seconds(1))
    }

    private func add(_ text: Text) {
        queue.withLock { queue in
            queue.texts.append(text)
            queue.bytes += text.bytes.count
        }
        filled.signal()
    }

    private func next() -> Text? {
        queue.withLock { $0.texts.isEmpty ? nil : $0.texts.removeFirst() }
    }

    /// Why something could not be written, in the system's words: a full disk, a quota.
    ///
    /// Nil if everything was written, or if the reader has gone. A file with such a loss looks like an answer, but is
    /// only a part of one.
    var loss: String? { problem.withLock { $0 }.map { unsafe String(cString: strerror($0)) } }

    /// Writes as much as possible: the work goes on after a pipe (`migrate jobs | head`) or a terminal was closed.
    ///
    /// - Returns: the error of a file that cannot grow.
    private static func write(_ bytes: [UInt8], to descriptor: Int32) -> Int32? {
        var rest = bytes[...]
        while !rest.isEmpty {
            let count = unsafe rest.withUnsafeBytes { unsafe Glibc.write(descriptor, $0.baseAddress, $0.count) }
            if count > 0 {
                rest = rest.dropFirst(count)
            } else if errno == EAGAIN {
                // Another process that shares the terminal has made it non-blocking.
                var file = pollfd(fd: descriptor, events: Int16(POLLOUT), revents: 0)
                _ = unsafe poll(&file, 1, -1)
            } else if errno != EINTR {
                // Other errors (EPIPE, EIO) mean that the reader or the terminal has gone.
                return [ENOSPC, EDQUOT, EFBIG].contains(errno) ? errno : nil
            }
        }
        return nil
    }
}

/// The three files that every program expects to be open.
enum StandardStreams {
    static let output = OutputPump(STDOUT_FILENO)
    static let error = OutputPump(STDERR_FILENO)

    /// Opens /dev/null for each one that was closed at the start (`migrate run >&-`): otherwise the first connection to
    /// a server would get its number, and messages for people would be sent to the server.
    ///
    /// It also ignores SIGPIPE, so that a reader that goes away does not end the program.
    static func secure() {
        _ = signal(SIGPIPE, SIG_IGN)
        for descriptor in [STDIN_FILENO, STDOUT_FILENO, STDERR_FILENO] where fcntl(descriptor, F_GETFD) < 0 {
            let opened = unsafe open("/dev/null", descriptor == STDIN_FILENO ? O_RDONLY : O_WRONLY)
            if opened >= 0, opened != descriptor {
                dup2(opened, descriptor)
                close(opened)
            }
        }
    }
}
