import Dispatch
import Glibc
import Synchronization

/// Decides what to do about a signal, given what the program does at that moment.
struct SignalDuty: Equatable {
    enum Effect: Equatable {
        /// Ends the wait for an answer: there will be none.
        case interruptQuestion
        /// Shows the question again.
        case showQuestion
        /// Tells the work, which stops in order.
        case tellWork
        /// Does what the signal does by default: ends the process.
        case end
        case nothing
    }

    /// Whether a question waits for its answer.
    var isAsking = false
    /// Whether work is in progress that listens to signals.
    var isWorking = false
    /// Whether a signal has asked the program to end.
    private(set) var isInterrupted = false
    /// Whether a question was left unanswered, so that the program is about to end.
    private var isLeaving = false

    /// A question was left unanswered, after a signal or otherwise: no other question is asked.
    mutating func leave() {
        isInterrupted = true
        isLeaving = true
    }

    mutating func apply(_ signal: Int32) -> Effect {
        if signal == SIGCONT { return isAsking && !isInterrupted ? .showQuestion : .nothing }
        // A closed terminal ends the question by itself, and its signal may come before or after.
        if isLeaving { return signal == SIGHUP ? .nothing : .end }
        if isAsking {
            leave()
            return .interruptQuestion
        }
        isInterrupted = true
        // A closed terminal, or a lost connection to it, stops the work in order like the other signals, so that no
        // runner has to wait until leases run out.
        return isWorking ? .tellWork : .end
    }
}

/// Receives the signals that ask the program to end, and passes each on: to a question that waits for its answer, or
/// else to the work in progress; without either it ends the process.
///
/// One queue receives all of them, so nothing runs inside a signal handler, and no signal is lost between two
/// questions.
final class SignalInbox: Sendable {
    static let shared = SignalInbox()

    private struct State {
        var duty = SignalDuty()
        var question: Wake?
        var work: AsyncStream<Void>.Continuation?
    }

    private let state = Mutex(State())

    /// Starts to receive signals; called before everything else.
    ///
    /// A signal that was ignored when the program started stays ignored, as SIGHUP under `nohup`.
    func start() {
        let queue = DispatchQueue(label: "signals")
        for signal in [SIGINT, SIGTERM, SIGHUP, SIGCONT] where signal != SIGHUP || !Self.isIgnored(signal) {
            let source = DispatchSource.makeSignalSource(signal: signal, queue: queue)
            // The handler holds its source, which lives as long as the process.
            source.setEventHandler { [self, source] in
                for _ in 0..<max(1, source.data) { hear(signal) }
            }
            source.resume()
        }
    }

    /// What `start` does with each signal.
    func hear(_ signal: Int32) {
        let effect = state.withLock { state in
            let effect = state.duty.apply(signal)
            switch effect {
            case .interruptQuestion: state.question?.write(.interrupted)
            case .showQuestion: state.question?.write(.continued)
            case .tellWork: state.work?.yield()
            case .end, .nothing: break
            }
            return effect
        }
        if effect == .end { Self.end(by: signal) }
    }

    /// Begins to wait for an answer.
    ///
    /// - Returns: whether to wait; false when a signal has already asked the program to end.
    func begin(_ question: Wake) -> Bool {
        state.withLock { state in
            guard !state.duty.isInterrupted else { return false }
            state.duty.isAsking = true
            state.question = question
            return true
        }
    }

    /// Whether a signal has asked the program to end.
    var isInterrupted: Bool { state.withLock { $0.duty.isInterrupted } }

    /// Whether a question waits for its answer.
    var isAsking: Bool { state.withLock { $0.duty.isAsking } }

    /// Ends the wait.
    ///
    /// - Parameter isLeft: whether there was no answer.
    func endQuestion(isLeft: Bool) {
        state.withLock { state in
            if isLeft { state.duty.leave() }
            state.duty.isAsking = false
            state.question = nil
        }
    }

    /// One element for each signal that is meant for the work, until `stopListening`.
    func listen() -> AsyncStream<Void> {
        let (stream, continuation) = AsyncStream.makeStream(of: Void.self)
        state.withLock { state in
            state.duty.isWorking = true
            state.work = continuation
        }
        return stream
    }

    func stopListening() {
        let work = state.withLock { state in
            defer { state.work = nil }
            state.duty.isWorking = false
            return state.work
        }
        work?.finish()
    }

    /// Ends the process as the signal does by default, so that its parent process sees why.
    private static func end(by signal: Int32) {
        fflush(nil)
        _ = Glibc.signal(signal, SIG_DFL)
        var set = sigset_t()
        unsafe sigemptyset(&set)
        unsafe sigaddset(&set, signal)
        unsafe pthread_sigmask(SIG_UNBLOCK, &set, nil)
        raise(signal)
    }

    /// Whether the signal was ignored when the program started, as SIGHUP is under `nohup`.
    private static func isIgnored(_ signal: Int32) -> Bool {
        var action = sigaction()
        guard unsafe sigaction(signal, nil, &action) == 0 else { return false }
        let handler = unsafe unsafeBitCast(action.__sigaction_handler.sa_handler, to: Int.self)
        let ignoring = unsafe unsafeBitCast(SIG_IGN, to: Int.self)
        return handler == ignoring
    }
}
