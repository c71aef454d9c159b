import Basics
import Glibc

/// Standard output and standard error; what people read goes here and nowhere else.
package struct Console: Sendable {
    /// Whether a person sees standard output.
    package let isTerminal: Bool
    /// Whether a person can answer on standard input.
    package let canAsk: Bool
    /// Columns of the terminal.
    package let columns: Int
    private let write: @Sendable (Stream, String) -> Void
    /// Writes without waiting, or not at all.
    private let offer: @Sendable (Stream, String) -> Void
    private let answers: any AnswerSource

    package enum Stream: Sendable {
        case output, error

        fileprivate var pump: OutputPump { self == .output ? StandardStreams.output : StandardStreams.error }
    }

    package init(
        isTerminal: Bool,
        canAsk: Bool,
        columns: Int = 80,
        write: @escaping @Sendable (Stream, String) -> Void,
        offer: (@Sendable (Stream, String) -> Void)? = nil,
        answers: any AnswerSource = NoAnswers()
    ) {
        self.isTerminal = isTerminal
        self.canAsk = canAsk
        self.columns = columns
        self.write = write
        self.offer = offer ?? write
        self.answers = answers
    }

    /// The process's own.
    package static let standard = Console(
        isTerminal: isatty(STDOUT_FILENO) == 1,
        canAsk: isatty(STDIN_FILENO) == 1 && isatty(STDOUT_FILENO) == 1,
        columns: terminalColumns(),
        write: { stream, text in stream.pump.write(text) { SignalInbox.shared.isInterrupted } },
        offer: { stream, text in stream.pump.offer(text) },
        answers: Keyboard(STDIN_FILENO, signals: .shared)
    )

    /// Says nothing: of a process that speaks to another one.
    package static let silent = Console(isTerminal: false, canAsk: false, write: { _, _ in })

    /// One line, or several, on standard output.
    package func out(_ text: String) { write(.output, text.hasSuffix("\n") ? text : text + "\n") }

    /// One line, or several, on standard error.
    package func error(_ text: String) { write(.error, text.hasSuffix("\n") ? text : text + "\n") }

    /// Text without a line break, for a line that updates.
    package func raw(_ text: String) { write(.output, text) }

    /// The same with everything on standard error, so that standard output is left to JSON.
    package var aside: Console {
        Console(
            isTerminal: isTerminal,
            canAsk: canAsk,
            columns: columns,
            write: { _, text in write(.error, text) },
            offer: { _, text in offer(.error, text) },
            answers: answers
        )
    }

    /// The same for what is said while work goes on: nothing waits until it is written, and what a terminal that stands still or a
    /// full pipe does not take is left out.
    package var live: Console {
        Console(isTerminal: isTerminal, canAsk: canAsk, columns: columns, write: offer, offer: offer, answers: answers)
    }

    /// Answers that are neither yes nor no before a question counts as unanswered: enough for any person, and an end for a
    /// terminal that sends rubbish.
    package static let triesMax = 10

    /// Asks a question that takes yes or no; an empty line is the default.
    ///
    /// Only a line that was typed after the question appeared is an answer. Ctrl-C, the end of the input, a closed terminal or
    /// a signal, also one that came before the question, is none: it ends the command.
    ///
    /// - Parameters:
    ///   - question: ends with a question mark.
    ///   - isYes: what an empty line means.
    ///   - unanswered: what is said at the end when there is no answer: what has been done, or that nothing was changed.
    /// - Returns: whether the answer is yes.
    /// - Throws: `CommandEnd` with `unanswered` when there is no answer.
    package func ask(
        _ question: String,
        default isYes: Bool,
        unanswered: String = Console.nothingWasChanged
    ) async throws(CommandEnd) -> Bool {
        let prompt = "\(question) \(isYes ? "(Y/n)" : "(y/N)") "
        guard answers.begin() else { throw CommandEnd(.unanswered, unanswered) }
        for _ in 0..<Self.triesMax {
            guard case .text(let line) = await answers.line(show: { raw(prompt) }) else { break }
            if let answer = Answer(line, default: isYes) { return answer.isYes }
            out("Please answer y or n.")
        }
        // The cursor stands behind the question.
        raw("\n")
        throw CommandEnd(.unanswered, unanswered)
    }

    /// What a command says when it ends at a question before it has done anything.
    package static let nothingWasChanged = "nothing was changed"

    /// Asks for permission, where no flag has given it.
    ///
    /// - Parameters:
    ///   - question: ends with a question mark.
    ///   - isSure: whether a flag has said yes.
    ///   - isYes: what an empty line means.
    ///   - otherwise: what is said when the answer is no, or there is none.
    /// - Throws: `CommandEnd` when the answer is no, there is none, or nobody can answer.
    package func confirm(
        _ question: String,
        isSure: Bool,
        default isYes: Bool,
        otherwise: String = Console.nothingWasChanged
    ) async throws(CommandEnd) {
        if isSure { return }
        guard canAsk else {
            throw CommandEnd(.usage, "\(question) Nobody is here to answer: confirm with --yes.")
        }
        let isConfirmed = try await ask(question, default: isYes, unanswered: otherwise)
        if !isConfirmed { throw CommandEnd(.incomplete, otherwise) }
    }

    /// Ends the process at once, after what was printed has left it.
    ///
    /// `exit` would run the exit handlers of OpenSSL, zstd and others while the threads of libcurl, libmariadb and libpq still
    /// use them; one of the first nine runs of the whole job aborted so, after its work was done.
    package func exit(_ status: Int32) -> Never {
        fflush(nil)
        StandardStreams.output.drain(within: .seconds(1))
        if let loss = StandardStreams.output.loss {
            error("migrate: warning: standard output could not be written (\(loss)): what stands there is not complete")
        }
        StandardStreams.error.drain(within: .seconds(1))
        _exit(status)
    }

    private static func terminalColumns() -> Int {
        var size = winsize()
        let answer = unsafe ioctl(STDOUT_FILENO, UInt(TIOCGWINSZ), &size)
        return answer == 0 && size.ws_col > 0 ? Int(size.ws_col) : 80
    }
}

/// An answer to a question that takes yes or no.
package struct Answer: Equatable {
    package let isYes: Bool

    /// Nil when it is neither.
    package init?(_ line: String, default isYes: Bool) {
        switch line.trimmed.lowercased() {
        case "": self.isYes = isYes
        case "y", "yes": self.isYes = true
        case "n", "no": self.isYes = false
        default: return nil
        }
    }
}
