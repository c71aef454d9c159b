import Basics
import Glibc

/// What came of waiting for a line.
package enum TypedLine: Sendable, Equatable {
    case text(String)
    /// Nobody answers: Ctrl-C, the end of the input, a closed terminal, or a signal that asks the program to end.
    case gone
}

/// Where answers to questions come from.
package protocol AnswerSource: Sendable {
    /// Forgets what was typed before: it cannot be the answer to a question that was not asked yet.
    ///
    /// - Returns: whether to ask; false when a signal has already asked the program to end.
    func begin() -> Bool

    /// Shows the question and waits for the next line.
    ///
    /// From before the question appears, a signal that asks the program to end is an answer to it: `gone`.
    ///
    /// - Parameter show: shows the question; called once more when the program was suspended and goes on.
    /// - Returns: the line without its end, or `gone`.
    func line(show: @escaping @Sendable () -> Void) async -> TypedLine
}

/// Of a console on which nobody can answer.
package struct NoAnswers: AnswerSource {
    package func begin() -> Bool { false }
    package func line(show: @escaping @Sendable () -> Void) async -> TypedLine { .gone }
}

/// Reads answers from a terminal, and stops reading at once when a signal comes.
///
/// A blocked `read` cannot be interrupted from another thread, so the wait is a `poll` of the terminal and of a pipe to
/// which the signal's thread writes. It has a thread of its own: the shared pool has about one per core and must not block.
struct Keyboard: AnswerSource {
    /// Longer lines are read to their end and are no answer.
    ///
    /// A terminal itself ends a line at 4,096 bytes.
    static let bytesMax = 1_024

    private let input: Int32
    private let signals: SignalInbox

    init(_ input: Int32, signals: SignalInbox) {
        self.input = input
        self.signals = signals
    }

    func begin() -> Bool {
        forget()
        return !signals.isInterrupted
    }

    private func forget() { tcflush(input, TCIFLUSH) }

    func line(show: @escaping @Sendable () -> Void) async -> TypedLine {
        guard input >= 0, let wake = Wake(), signals.begin(wake) else { return .gone }
        let line = await withCheckedContinuation { continuation in
            OwnThread.run {
                show()
                continuation.resume(returning: read(until: wake, showAgain: show))
            }
        }
        signals.endQuestion(isLeft: line == .gone)
        return line
    }

    /// Reads byte by byte, so that nothing is taken from the line after this one.
    private func read(until wake: Wake, showAgain: () -> Void) -> TypedLine {
        var bytes: [UInt8] = []
        var length = 0
        while true {
            switch wait(for: wake) {
            case .interrupted: return .gone
            case .continued:
                // The beginning of a line, too: Ctrl-Z makes the terminal forget it, SIGSTOP does not.
                forget()
                bytes = []
                length = 0
                showAgain()
            case .nothing: continue
            case .input:
                var byte: UInt8 = 0
                let count = unsafe Glibc.read(input, &byte, 1)
                if count < 0, errno == EINTR || errno == EAGAIN { continue }
                // The end of the input, or a terminal that is closed (EIO). A line that was begun is no answer.
                if count <= 0 { return .gone }
                if byte == UInt8(ascii: "\n") {
                    return .text(length > Self.bytesMax ? "…" : String(decoding: bytes, as: UTF8.self))
                }
                length = min(length + 1, Self.bytesMax + 1)
                if length <= Self.bytesMax { bytes.append(byte) }
            }
        }
    }

    private enum Event { case interrupted, continued, input, nothing }

    private func wait(for wake: Wake) -> Event {
        var files = [
            pollfd(fd: wake.reading, events: Int16(POLLIN), revents: 0),
            pollfd(fd: input, events: Int16(POLLIN), revents: 0),
        ]
        let count = unsafe poll(&files, nfds_t(files.count), -1)
        // EINTR, as after a suspension.
        if count < 0 { return errno == EINTR ? .nothing : .interrupted }
        if files[0].revents != 0 { return wake.read() == .continued ? .continued : .interrupted }
        return files[1].revents != 0 ? .input : .nothing
    }
}

/// Wakes a thread that waits for a line.
final class Wake: Sendable {
    enum Reason: UInt8 {
        case interrupted = 0
        /// The program was suspended and goes on.
        case continued = 1
    }

    /// To poll.
    let reading: Int32
    private let writing: Int32

    /// Nil when the process has no file descriptor left.
    init?() {
        var ends: [Int32] = [-1, -1]
        guard unsafe pipe(&ends) == 0 else { return nil }
        for end in ends {
            _ = fcntl(end, F_SETFD, FD_CLOEXEC)
            _ = fcntl(end, F_SETFL, O_NONBLOCK)
        }
        (reading, writing) = (ends[0], ends[1])
    }

    deinit {
        close(reading)
        close(writing)
    }

    func write(_ reason: Reason) {
        var byte = reason.rawValue
        _ = unsafe Glibc.write(writing, &byte, 1)
    }

    /// What was written first of all that was not read yet.
    func read() -> Reason? {
        var byte: UInt8 = 0
        return unsafe Glibc.read(reading, &byte, 1) == 1 ? Reason(rawValue: byte) : nil
    }
}
