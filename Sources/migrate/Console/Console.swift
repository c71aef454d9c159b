import Foundation

/// Standard output and standard error; what people read goes here and nowhere else.
struct Console: Sendable {
    /// Whether a person sees standard output.
    let isTerminal: Bool
    /// Whether a person can answer on standard input.
    let canAsk: Bool
    /// Columns of the terminal.
    let columns: Int
    private let write: @Sendable (Stream, String) -> Void
    private let readLine: @Sendable () -> String?

    enum Stream: Sendable {
        case output, error
    }

    init(
        isTerminal: Bool,
        canAsk: Bool,
        columns: Int = 80,
        write: @escaping @Sendable (Stream, String) -> Void,
        readLine: @escaping @Sendable () -> String? = { nil }
    ) {
        self.isTerminal = isTerminal
        self.canAsk = canAsk
        self.columns = columns
        self.write = write
        self.readLine = readLine
    }

    /// The process's own.
    static let standard = Console(
        isTerminal: isatty(STDOUT_FILENO) == 1,
        canAsk: isatty(STDIN_FILENO) == 1 && isatty(STDOUT_FILENO) == 1,
        columns: terminalColumns(),
        write: { stream, text in
            // A closed pipe (`migrate jobs | head`) is no reason to die half way; what cannot be said stays unsaid.
            let handle = stream == .output ? FileHandle.standardOutput : FileHandle.standardError
            try? handle.write(contentsOf: Data(text.utf8))
        },
        readLine: { Swift.readLine() }
    )

    /// Says nothing: of a process that speaks to another one.
    static let silent = Console(isTerminal: false, canAsk: false, write: { _, _ in })

    /// One line, or several, on standard output.
    func out(_ text: String) { write(.output, text.hasSuffix("\n") ? text : text + "\n") }

    /// One line, or several, on standard error.
    func error(_ text: String) { write(.error, text.hasSuffix("\n") ? text : text + "\n") }

    /// Text without a line break, for a line that updates.
    func raw(_ text: String) { write(.output, text) }

    /// The same with everything on standard error, so that standard output is left to JSON.
    var aside: Console {
        Console(
            isTerminal: isTerminal,
            canAsk: canAsk,
            columns: columns,
            write: { _, text in write(.error, text) },
            readLine: readLine
        )
    }

    /// Asks a question that takes yes or no; an empty answer is the default, and so is the end of the input.
    ///
    /// Blocks its thread: called only where nothing else runs.
    func ask(_ question: String, default isYes: Bool) -> Bool {
        while true {
            raw("\(question) \(isYes ? "(Y/n)" : "(y/N)") ")
            guard let line = readLine() else { return isYes }
            if let answer = Answer(line, default: isYes) { return answer.isYes }
            out("Please answer y or n.")
        }
    }

    /// Asks for leave, where nobody has given it by a flag.
    ///
    /// - Throws: `CommandEnd` when the answer is no, or nobody is there to be asked.
    func confirm(_ question: String, isSure: Bool, default isYes: Bool) throws {
        if isSure { return }
        guard canAsk else {
            throw CommandEnd(.usage, "\(question) Nobody is here to answer: confirm with --yes.")
        }
        if !ask(question, default: isYes) { throw CommandEnd(.incomplete, "nothing was changed") }
    }

    /// Ends the process at once, after what was printed has left it.
    ///
    /// `exit` would run the exit handlers of OpenSSL, zstd and others while the threads of libcurl, libmariadb and libpq still
    /// use them; one of the first nine runs of the whole job aborted so, after its work was done.
    func exit(_ status: Int32) -> Never {
        fflush(nil)
        _exit(status)
    }

    private static func terminalColumns() -> Int {
        var size = winsize()
        let answer = unsafe ioctl(STDOUT_FILENO, UInt(TIOCGWINSZ), &size)
        return answer == 0 && size.ws_col > 0 ? Int(size.ws_col) : 80
    }
}

/// An answer to a question that takes yes or no.
struct Answer: Equatable {
    let isYes: Bool

    /// Nil when it is neither.
    init?(_ line: String, default isYes: Bool) {
        switch line.trimmingCharacters(in: .whitespacesAndNewlines).lowercased() {
        case "": self.isYes = isYes
        case "y", "yes": self.isYes = true
        case "n", "no": self.isYes = false
        default: return nil
        }
    }
}
