import Synchronization

@testable import migrate

/// A console whose output can be read, and which answers questions from a list.
final class RecordedConsole: Sendable {
    private struct State {
        var out = ""
        var error = ""
        var answers: [String]
    }

    private let state: Mutex<State>
    private let isTerminal: Bool
    private let canAsk: Bool

    init(isTerminal: Bool = false, answers: [String] = []) {
        self.isTerminal = isTerminal
        canAsk = !answers.isEmpty
        state = Mutex(State(answers: answers))
    }

    var console: Console {
        Console(
            isTerminal: isTerminal,
            canAsk: canAsk,
            write: { stream, text in
                self.state.withLock { state in
                    if stream == .output { state.out += text } else { state.error += text }
                }
            },
            readLine: { self.state.withLock { $0.answers.isEmpty ? nil : $0.answers.removeFirst() } }
        )
    }

    var out: String { state.withLock { $0.out } }
    var error: String { state.withLock { $0.error } }
    /// Answers that nobody has asked for.
    var unused: [String] { state.withLock { $0.answers } }
}
