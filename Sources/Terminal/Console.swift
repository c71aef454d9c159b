import Basics
import Glibc

/// Standard output and standard error: the only place that writes for people.
package struct Console: Sendable {
    /// Whether standard output is a terminal.
    package let isTerminal: Bool
    /// Whether a person can answer on standard input.
    package let canAsk: Bool
    /// The width of the terminal in columns.
    package let columns: Int
    /// Whether a person reads the messages or types the input, whatever becomes of the answer.
    package let isInTerminal: Bool
    private let write: @Sendable (Stream, String) -> Void
    /// Writes without waiting, or drops the text.
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
        isInTerminal: Bool = false,
        write: @escaping @Sendable (Stream, String) -> Void,
        offer: (@Sendable (Stream, String) -> Void)? = nil,
        answers: any AnswerSource = NoAnswers()
    ) {
        self.isTerminal = isTerminal
        self.canAsk = canAsk
        self.columns = columns
        self.isInTerminal = isInTerminal
        self.write = write
        self.offer = offer ?? write
        self.answers = answers
    }

    /// The console of the process.
    package static let standard = Console(
        isTerminal: isatty(STDOUT_FILENO) == 1,
        canAsk: isatty(STDIN_FILENO) == 1 && isatty(STDOUT_FILENO) == 1,
        columns: terminalColumns(),
        isInTerminal: isatty(STDIN_FILENO) == 1 || isatty(STDERR_FILENO) == 1,
        write: { stream, text in stream.pump.write(text) { SignalInbox.shared.isInterrupted } },
        offer: { stream, text in stream.pump.offer(text) },
        answers: Keyboard(STDIN_FILENO, signals: .shared)
    )

    /// Writes nothing: for a process that speaks to another one.
    package static let silent = Console(isTerminal: false, canAsk: false, write: { _, _ in })

    /// Writes one or more lines to standard output.
    package func out(_ text: String) { write(.output, text.hasSuffix("\n") ? text : text + "\n") }

    /// Writes one or more lines to standard error.
    package func error(_ text: String) { write(.error, text.hasSuffix("\n") ? text : text + "\n") }

    /// Writes text without a line break, for a line that updates.
    package func raw(_ text: String) { write(.output, text) }

    /// The same console with everything on standard error, so that standard output contains only JSON.
    package var aside: Console {
        Console(
            isTerminal: isTerminal,
            canAsk: canAsk,
            columns: columns,
            isInTerminal: isInTerminal,
            write: { _, text in write(.error, text) },
            offer: { _, text in offer(.error, text) },
            answers: answers
        )
    }

    /// The same console for output during work: it never waits, and drops what a stopped terminal or a full pipe does
    /// not accept.
    package var live: Console {
        Console(
            isTerminal: isTerminal,
            canAsk: canAsk,
            columns: columns,
            isInTerminal: isInTerminal,
            write: offer,
            offer: offer,
            answers: answers
        )
    }

    /// How many invalid answers count as no answer: enough for any person, and an end for a terminal that sends
    /// rubbish.
    package static let triesMax = 10

    /// Asks a question with the answers yes and no; an empty line is the default.
    ///
    /// Only a line that was typed after the question appeared counts as an answer. Ctrl-C, the end of the input, a
    /// closed terminal and a signal, also one before the question, mean no answer: they end the command.
    ///
    /// - Parameters:
    ///   - question: ends with a question mark.
    ///   - isYes: what an empty line means.
    ///   - unanswered: the message if there is no answer: what has been done, or that nothing was changed.
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
        // The cursor is behind the question.
        raw("\n")
        throw CommandEnd(.unanswered, unanswered)
    }

    /// The message of a command that ends at a question before it has changed anything.
    package static let nothingWasChanged = "nothing was changed"

    /// Asks for permission, unless a flag has given it.
    ///
    /// - Parameters:
    ///   - question: ends with a question mark.
    ///   - isSure: whether a flag has answered yes.
    ///   - isYes: what an empty line means.
    ///   - otherwise: the message if the answer is no, or if there is none.
    /// - Throws: `CommandEnd` when the answer is no, when there is none, or when no person can answer.
    package func confirm(
        _ question: String,
        isSure: Bool,
        default isYes: Bool,
        otherwise: String = Console.nothingWasChanged
    ) async throws(CommandEnd) {
        if isSure { return }
        guard canAsk else {
            throw CommandEnd(.usage, "\(question) No person can answer here: confirm with --yes.")
        }
        let isConfirmed = try await ask(question, default: isYes, unanswered: otherwise)
        if !isConfirmed { throw CommandEnd(.incomplete, otherwise) }
    }

    /// Ends the process at once, after all output is written.
    ///
    /// `exit` would run the exit handlers of OpenSSL, zstd and others while the threads of libcurl, libmariadb and
    /// libpq still use them: one of the first nine runs of a whole job aborted this way, after its work was done.
    package func exit(_ status: Int32) -> Never {
        fflush(nil)
        StandardStreams.output.drain(within: .seconds(1))
        if let loss = StandardStreams.output.loss {
            error("migrate: warning: standard output could not be written (\(loss)): the output is incomplete")
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

/// An answer to a yes-or-no question.
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
