import Synchronization
import Terminal

@testable import migrate

/// A console whose output can be read, and which answers questions from a list; nil there, and the end of the list, is Ctrl-C
/// or the end of the input.
final class RecordedConsole: AnswerSource {
    private struct State {
        var out = ""
        var error = ""
        var answers: [String?]
    }

    private let state: Mutex<State>
    private let isTerminal: Bool
    private let canAsk: Bool

    init(isTerminal: Bool = false, answers: [String?] = []) {
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
            answers: self
        )
    }

    var out: String { state.withLock { $0.out } }
    var error: String { state.withLock { $0.error } }
    /// Answers that no question has asked for.
    var unused: [String] { state.withLock { $0.answers.compactMap(\.self) } }

    func begin() -> Bool { true }

    func line(show: @escaping @Sendable () -> Void) async -> TypedLine {
        show()
        return state.withLock { state in
            guard !state.answers.isEmpty, let answer = state.answers.removeFirst() else { return .gone }
            return .text(answer)
        }
    }
}
