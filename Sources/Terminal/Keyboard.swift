import Basics
import Glibc

/// The result of waiting for a line.
package enum TypedLine: Sendable, Equatable {
    case text(String)
    /// There is no answer: Ctrl-C, the end of the input, a closed terminal, or a signal that asks the program to end.
    case gone
}

/// A source of answers to questions.
package protocol AnswerSource: Sendable {
    /// Discards what was typed before: it cannot be the answer to a question that was not asked yet.
    ///
    /// - Returns: whether to ask; false when a signal has already asked the program to end.
    func begin() -> Bool

    /// Shows the question and waits for the next line.
    ///
    /// A signal that asks the program to end counts as `gone`, also one that came before the question.
    ///
    /// - Parameter show: shows the question; called again when the program was suspended and continues.
    /// - Returns: the line without its end, or `gone`.
    func line(show: @escaping @Sendable () -> Void) async -> TypedLine
}

/// The answers of a console without a person.
package struct NoAnswers: AnswerSource {
    package func begin() -> Bool { false }
    package func line(show: @escaping @Sendable () -> Void) async -> TypedLine { .gone }
}

/// Reads answers from a terminal, and stops reading at once when a signal comes.
///
/// A blocked `read` cannot be interrupted from another thread, so this is a `poll` of the terminal and of a pipe to
/// which the signal's thread writes. It has its own thread: the shared pool has about one thread per core and must not
/// block.
struct Keyboard: AnswerSource {
    /// Longer lines are read to their end and do not count as answers.
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

    /// Reads byte by byte, so that nothing is taken from the next line.
    private func read(until wake: Wake, showAgain: () -> Void) -> TypedLine {
        var bytes: [UInt8] = []
        var length = 0
        while true {
            switch wait(for: wake) {
            case .interrupted: return .gone
            case .continued:
                // Also the beginning of a line: the terminal discards it on Ctrl-Z, but not on SIGSTOP.
                forget()
                bytes = []
                length = 0
                showAgain()
            case .nothing: continue
            case .input:
                var byte: UInt8 = 0
                let count = unsafe Glibc.read(input, &byte, 1)
                if count < 0, errno == EINTR || errno == EAGAIN { continue }
                // The end of the input, or a closed terminal (EIO). An unfinished line is no answer.
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
        // EINTR occurs after a suspension.
        if count < 0 { return errno == EINTR ? .nothing : .interrupted }
        if files[0].revents != 0 { return wake.read() == .continued ? .continued : .interrupted }
        return files[1].revents != 0 ? .input : .nothing
    }
}

/// Wakes a thread that waits for a line.
final class Wake: Sendable {
    enum Reason: UInt8 {
        case interrupted = 0
        /// The program was suspended and continues.
        case continued = 1
    }

    /// The descriptor to poll.
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

    /// The first reason that was written and not read yet.
    func read() -> Reason? {
        var byte: UInt8 = 0
        return unsafe Glibc.read(reading, &byte, 1) == 1 ? Reason(rawValue: byte) : nil
    }
}
