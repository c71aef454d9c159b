import Foundation
import Subprocess
import Synchronization
import Testing

/// The built `migrate` on a terminal of its own, with a person who reads what it says and types.
///
/// The program is the leader of a session whose controlling terminal is the pseudo-terminal, as under a shell: Ctrl-C becomes a
/// signal, Ctrl-D the end of the input, and closing the terminal hangs up.
final class Terminal: Sendable {
    /// What a person does with one key.
    enum Key: UInt8 {
        case interrupt = 0x03
        case endOfInput = 0x04
        case suspend = 0x1A
        case quitLine = 0x15
    }

    struct Ended: Sendable {
        /// 128 + the signal's number where one ended it.
        let status: Int32
        /// All that was on the terminal, with `\n` as the end of a line.
        let text: String
        /// From the last thing that was done to the terminal to the end of the process.
        let delay: Duration
    }

    private struct State {
        var bytes: [UInt8] = []
        /// How much of it `wait` has seen.
        var seen = 0
        var isClosed = false
        /// Whether the other side was closed at the last look.
        var isDrained = false
        var touched = ContinuousClock.now
    }

    let process: pid_t
    private let master: Int32
    private let state = Mutex(State())

    private init(master: Int32, process: pid_t) {
        self.master = master
        self.process = process
    }

    /// Runs the program on a terminal until both the program and `body` have ended.
    ///
    /// A program that still runs one minute after `body` is killed, and its status is then 137.
    static func run(
        _ program: Program,
        _ arguments: [String],
        _ environment: [String: String] = [:],
        _ body: (Terminal) async throws -> Void
    ) async throws -> Ended {
        let (master, path) = try open()
        var options = PlatformOptions()
        options.createSession = true
        // The first terminal that the leader of a session opens controls it. `<>` opens it once, for all three.
        let shell = ["sh", "-c", "exec \"$@\" <>\(path) >&0 2>&0", "sh", "env"]
        let ended = try await Subprocess.run(
            .name("env"),
            arguments: Arguments(shell + program.words(arguments, environment)),
            platformOptions: options,
            input: .none,
            output: .discarded,
            error: .discarded
        ) { execution in
            let terminal = Terminal(master: master, process: execution.processIdentifier.value)
            Thread.detachNewThread { terminal.read() }
            do { try await body(terminal) } catch {
                kill(terminal.process, SIGKILL)
                throw error
            }
            let delay = try await terminal.waitForEnd()
            try await terminal.drain()
            return (terminal, delay)
        }
        let (terminal, delay) = ended.closureResult
        terminal.hangUp()
        let status: Int32 =
            switch ended.terminationStatus {
            case .exited(let code): code
            case .signaled(let signal): 128 + signal
            }
        return Ended(status: status, text: terminal.text, delay: delay)
    }

    /// A new pseudo-terminal: our end of it, and the path of the program's.
    ///
    /// By the kernel's own interface (`ioctl_tty(2)`): Swift does not see `posix_openpt` and its kin.
    private static func open() throws -> (master: Int32, path: String) {
        let unlock: UInt = 0x4004_5431  // TIOCSPTLCK
        let getNumber: UInt = 0x8004_5430  // TIOCGPTN
        let master = unsafe Glibc.open("/dev/ptmx", O_RDWR | O_NOCTTY | O_CLOEXEC)
        var isLocked: Int32 = 0
        var number: Int32 = -1
        let isOpen = unsafe (ioctl(master, unlock, &isLocked) == 0 && ioctl(master, getNumber, &number) == 0)
        try #require(isOpen, "no pseudo-terminal: \(errno)")
        return (master, "/dev/pts/\(number)")
    }

    /// All that has been on the terminal.
    var text: String {
        state.withLock { String(decoding: $0.bytes, as: UTF8.self) }.replacing("\r\n", with: "\n")
    }

    /// Waits until these words are on the terminal, behind the words of the last wait.
    func wait(for words: String, sourceLocation: SourceLocation = #_sourceLocation) async throws {
        let wanted = Array(words.utf8)
        var isThere = false
        _ = try await eventually {
            let wasOver = isOver
            isThere = state.withLock { state in
                guard let range = state.bytes[state.seen...].firstRange(of: wanted) else { return false }
                state.seen = range.upperBound
                return true
            }
            return isThere || wasOver
        }
        if isThere { return }
        Issue.record("never said: \(words)\n\(text)", sourceLocation: sourceLocation)
        throw CancellationError()
    }

    /// Types text; `\n` is the Enter key.
    func type(_ text: String) { send(Array(text.utf8)) }

    func press(_ key: Key) { send([key.rawValue]) }

    func send(_ bytes: [UInt8]) {
        touch()
        _ = unsafe bytes.withUnsafeBytes { unsafe write(master, $0.baseAddress, $0.count) }
    }

    /// Sends a signal to the program alone.
    func signal(_ number: Int32) {
        touch()
        kill(process, number)
    }

    /// Closes the terminal, as a window is closed.
    func hangUp() {
        let isFirst = state.withLock { state in
            defer { state.isClosed = true }
            return !state.isClosed
        }
        guard isFirst else { return }
        touch()
        close(master)
    }

    /// Whether the program is suspended.
    var isSuspended: Bool { Self.state(of: process) == "T" }

    private var isOver: Bool {
        let state = Self.state(of: process)
        return state == nil || state == "Z"
    }

    private func touch() { state.withLock { $0.touched = .now } }

    private func waitForEnd() async throws -> Duration {
        if try await eventually({ isOver }) { return state.withLock { $0.touched.duration(to: .now) } }
        kill(process, SIGKILL)
        return .seconds(60)
    }

    /// Waits until all is read that the program has written.
    private func drain() async throws {
        state.withLock { $0.isDrained = $0.isClosed }
        _ = try await eventually { state.withLock { $0.isDrained } }
    }

    private func read() {
        var page = [UInt8](repeating: 0, count: 4_096)
        while !state.withLock({ $0.isClosed }) {
            var file = pollfd(fd: master, events: Int16(POLLIN), revents: 0)
            guard unsafe poll(&file, 1, 50) > 0 else { continue }
            let count = unsafe Glibc.read(master, &page, page.count)
            if count > 0 {
                state.withLock { $0.bytes += page.prefix(count) }
            } else {
                // The other side is not open yet, or not any more.
                state.withLock { $0.isDrained = true }
                _ = poll(nil, 0, 10)
            }
        }
    }

    /// The letter of `/proc/PID/stat`; nil when there is no such process.
    private static func state(of process: pid_t) -> Character? {
        guard let line = try? String(contentsOfFile: "/proc/\(process)/stat", encoding: .utf8) else { return nil }
        return line.split(separator: ")").last?.first { $0 != " " }
    }
}

/// Looks every 10 ms, for one minute at most, until a condition holds.
///
/// - Returns: whether it became so.
/// - Throws: what looking throws.
func eventually(_ isSo: () async throws -> Bool) async throws -> Bool {
    for _ in 0..<6_000 {
        if try await isSo() { return true }
        try await moment(.milliseconds(10))
    }
    return false
}

/// Lets real time pass, in which another process must, or must not, do something.
func moment(_ duration: Duration) async throws { try await ContinuousClock().sleep(for: duration) }
