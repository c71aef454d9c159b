import Foundation
import Synchronization
import Testing

@testable import Terminal
@testable import migrate

@Suite(.timeLimit(.minutes(1))) struct `Questions` {
    @Test func `a question is repeated until it is answered`() async throws {
        let recorded = RecordedConsole(answers: ["perhaps", "n"])
        let answer = try await recorded.console.ask("Really?", default: true)
        #expect(!answer)
        #expect(recorded.out == "Really? (Y/n) Please answer y or n.\nReally? (Y/n) ")
    }

    @Test(arguments: [true, false])
    func `a question without an answer ends the command, whatever its default is`(isYes: Bool) async {
        let recorded = RecordedConsole(answers: [nil, "y"])
        await #expect(throws: CommandEnd(.unanswered, "nothing was changed")) {
            _ = try await recorded.console.ask("Really?", default: isYes)
        }
        #expect(recorded.out.hasSuffix(") \n"), "the next line begins at the left")
        #expect(recorded.unused == ["y"])
    }

    @Test func `a typed no and no answer have their own exit codes, and say what is so`() async {
        for (answer, status) in [("n", ExitStatus.incomplete), (nil, .unanswered)] {
            let recorded = RecordedConsole(answers: [answer])
            await #expect(throws: CommandEnd(status, "the collection was made")) {
                try await recorded.console.confirm(
                    "Go on?",
                    isSure: false,
                    default: true,
                    otherwise: "the collection was made"
                )
            }
        }
    }

    @Test func `rubbish is asked about so many times, and then there is no answer`() async {
        let recorded = RecordedConsole(answers: Array(repeating: "what?", count: Console.triesMax) + ["y"])
        await #expect(throws: CommandEnd(.unanswered, "nothing was changed")) {
            _ = try await recorded.console.ask("Really?", default: true)
        }
        #expect(recorded.unused == ["y"])
    }
}

@Suite struct `Signals` {
    private func duty(isAsking: Bool = false, isWorking: Bool = false) -> SignalDuty {
        var duty = SignalDuty()
        duty.isAsking = isAsking
        duty.isWorking = isWorking
        return duty
    }

    @Test(arguments: [SIGINT, SIGTERM, SIGHUP])
    func `at a question a signal ends the question, also while work listens`(signal: Int32) {
        for isWorking in [false, true] {
            var duty = duty(isAsking: true, isWorking: isWorking)
            #expect(duty.apply(signal) == .interruptQuestion)
            #expect(duty.apply(SIGHUP) == .nothing, "a terminal that is closed ends the question by itself, too")
            #expect(duty.apply(SIGINT) == .end, "a person who repeats it does not want to wait")
        }
    }

    @Test(arguments: [SIGINT, SIGTERM, SIGHUP])
    func `without a question a signal is for the work, and without work it ends the process`(signal: Int32) {
        var working = duty(isWorking: true)
        #expect((1...3).map { _ in working.apply(signal) } == [.tellWork, .tellWork, .tellWork])
        var idle = duty()
        #expect(idle.apply(signal) == .end)
    }

    @Test func `a suspended program shows its question again, and nothing else`() {
        var asking = duty(isAsking: true)
        #expect(asking.apply(SIGCONT) == .showQuestion)
        var working = duty(isWorking: true)
        #expect(working.apply(SIGCONT) == .nothing)
        #expect(!working.isInterrupted)
    }

    @Test func `a signal just before a question, or between two, is an answer to none`() throws {
        let inbox = SignalInbox()
        _ = inbox.listen()
        #expect(inbox.begin(try #require(Wake())))
        inbox.endQuestion(isLeft: false)
        #expect(Keyboard(-1, signals: inbox).begin())
        inbox.hear(SIGINT)
        #expect(!Keyboard(-1, signals: inbox).begin(), "the question does not even appear")
        #expect(!inbox.begin(try #require(Wake())))
    }
}

/// Over a pipe in place of a terminal.
@Suite(.timeLimit(.minutes(1))) struct `The keyboard` {
    private let signals = SignalInbox()

    /// What comes of so many waits when these bytes are typed and the input then ends, or stays open.
    private func lines(_ count: Int, of bytes: [UInt8], ends: Bool = true) async throws -> [TypedLine] {
        let pipe = Pipe()
        try pipe.fileHandleForWriting.write(contentsOf: bytes)
        if ends { try pipe.fileHandleForWriting.close() }
        let keyboard = Keyboard(pipe.fileHandleForReading.fileDescriptor, signals: signals)
        var lines: [TypedLine] = []
        for _ in 0..<count { lines.append(await keyboard.line(show: {})) }
        return lines
    }

    @Test func `a line is a line, and the next one is the next`() async throws {
        let lines = try await lines(4, of: Array("y\n\nno\n".utf8))
        #expect(lines == [.text("y"), .text(""), .text("no"), .gone])
    }

    @Test func `the end of the input within a line is no answer`() async throws {
        #expect(try await lines(1, of: Array("yes".utf8)) == [.gone])
        #expect(try await lines(1, of: []) == [.gone])
    }

    @Test func `bytes that are no text, and a very long line, are lines that say nothing`() async throws {
        let long = [UInt8](repeating: UInt8(ascii: "y"), count: 9_000) + Array("\nn\n".utf8)
        #expect(try await lines(2, of: long) == [.text("…"), .text("n")])
        let bytes = try await lines(2, of: [0xFF, 0xC3, 0x0A, 0x79, 0x0A])
        #expect(bytes == [.text("\u{FFFD}\u{FFFD}"), .text("y")])
    }

    @Test(arguments: [SIGINT, SIGTERM, SIGHUP])
    func `a signal ends the wait at once`(signal: Int32) async throws {
        let pipe = Pipe()
        let keyboard = Keyboard(pipe.fileHandleForReading.fileDescriptor, signals: signals)
        async let line = keyboard.line(show: {})
        // Until it waits: before, the signal would end this process.
        while !signals.isAsking { await Task.yield() }
        signals.hear(SIGCONT)
        signals.hear(signal)
        #expect(await line == .gone)
        #expect(await keyboard.line(show: {}) == .gone, "there is no second question")
    }

    @Test(arguments: [SIGINT, SIGTERM, SIGHUP])
    func `a signal while the question is being written ends the wait, not the process`(signal: Int32) async throws {
        let pipe = Pipe()
        let keyboard = Keyboard(pipe.fileHandleForReading.fileDescriptor, signals: signals)
        let console = Console(
            isTerminal: true,
            canAsk: true,
            write: { _, text in if text.hasPrefix("Really?") { signals.hear(signal) } },
            answers: keyboard
        )
        await #expect(throws: CommandEnd(.unanswered, Console.nothingWasChanged)) {
            _ = try await console.ask("Really?", default: true)
        }
        withExtendedLifetime(pipe) {}
    }

    @Test func `what was begun before a suspension is forgotten`() async throws {
        let pipe = Pipe()
        let keyboard = Keyboard(pipe.fileHandleForReading.fileDescriptor, signals: signals)
        let shown = Mutex(0)
        async let line = keyboard.line(show: { shown.withLock { $0 += 1 } })
        while shown.withLock({ $0 == 0 }) { await Task.yield() }
        signals.hear(SIGCONT)
        while shown.withLock({ $0 == 1 }) { await Task.yield() }
        try pipe.fileHandleForWriting.write(contentsOf: Array("n\n".utf8))
        #expect(await line == .text("n"))
        #expect(shown.withLock { $0 } == 2)
    }

    @Test func `an input that is closed, or never was there, is nobody`() async throws {
        #expect(await Keyboard(-1, signals: signals).line(show: {}) == .gone)
    }
}
