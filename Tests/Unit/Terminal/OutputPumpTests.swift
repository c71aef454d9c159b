import Foundation
import Migration
import Testing

@testable import Terminal
@testable import migrate

/// Over a pipe without a reader: the same to a program as a terminal after Ctrl-S.
@Suite(.timeLimit(.minutes(1))) struct `Output that nobody takes` {
    private func pipe() throws -> (reading: Int32, writing: Int32) {
        // Without it, writing into a pipe whose reader is gone ends the process.
        _ = signal(SIGPIPE, SIG_IGN)
        var ends: [Int32] = [-1, -1]
        try #require(unsafe Glibc.pipe(&ends) == 0)
        return (ends[0], ends[1])
    }

    /// Reads until these bytes have come.
    private func read(_ count: Int, from descriptor: Int32) -> [UInt8] {
        var bytes: [UInt8] = []
        var buffer = [UInt8](repeating: 0, count: 1 << 16)
        while bytes.count < count {
            let read = unsafe Glibc.read(descriptor, &buffer, buffer.count)
            if read <= 0 { break }
            bytes += buffer[..<read]
        }
        return bytes
    }

    /// Reads on a thread of its own: a blocked `read` in a task would keep one of the few threads that tasks share.
    private func reader(_ count: Int, from descriptor: Int32) async -> [UInt8] {
        await withCheckedContinuation { continuation in
            Thread.detachNewThread { continuation.resume(returning: self.read(count, from: descriptor)) }
        }
    }

    /// Writes on a thread of its own, for the same reason.
    private func write(_ text: String, to pump: OutputPump) async {
        await withCheckedContinuation { continuation in
            Thread.detachNewThread {
                pump.write(text)
                continuation.resume()
            }
        }
    }

    @Test func `keeps no worker waiting that reports, and is bounded`() throws {
        let (reading, writing) = try pipe()
        let pump = OutputPump(writing)
        let line = String(repeating: "x", count: 999) + "\n"
        // Far more than a pipe and the queue hold: 64 kB and 256 kB.
        for _ in 0..<2_000 { pump.offer(line) }
        close(reading)
    }

    @Test func `a monitor whose terminal stands still goes on, and says later what fits`() async throws {
        let (reading, writing) = try pipe()
        let pump = OutputPump(writing)
        let console = Console(
            isTerminal: false,
            canAsk: false,
            write: { _, text in pump.write(text) },
            offer: { _, text in pump.offer(text) }
        )
        let monitor = RunMonitor(console: console, isJSON: false, time: Time(ContinuousClock()), log: nil)
        // Each is a sentence of its own.
        for number in 1...20_000 { monitor.report(.sealed(batches: number, records: Int64(number))) }
        monitor.finish()
        #expect(read(64, from: reading).starts(with: Array("Planned 1 record in 1 batch.\n".utf8)))
        close(reading)
    }

    @Test func `an answer is written whole and in order, however slowly it is read`() async throws {
        let (reading, writing) = try pipe()
        let pump = OutputPump(writing)
        let answer = (0..<100_000).map { "line \($0)\n" }.joined()
        async let all = reader(answer.utf8.count + 6, from: reading)
        pump.offer("first\n")
        await write(answer, to: pump)
        let bytes = await all
        #expect(bytes == Array(("first\n" + answer).utf8))
        close(writing)
    }

    @Test func `an answer is given up two seconds after the program was told to end`() throws {
        let (reading, writing) = try pipe()
        let pump = OutputPump(writing)
        let start = ContinuousClock.now
        pump.write(String(repeating: "x", count: 1 << 20)) { true }
        #expect(ContinuousClock.now - start > .seconds(1))
        pump.drain(within: .milliseconds(50))
        close(reading)
    }

    @Test func `a closed pipe is no error, and what comes after it neither`() throws {
        let (reading, writing) = try pipe()
        close(reading)
        let pump = OutputPump(writing)
        pump.write("nobody\n")
        pump.offer("hears\n")
        pump.write("this\n")
    }

    @Test func `a pipe that somebody has made non-blocking is waited for`() async throws {
        let (reading, writing) = try pipe()
        _ = fcntl(writing, F_SETFL, O_NONBLOCK)
        let pump = OutputPump(writing)
        let text = String(repeating: "y", count: 300_000)
        async let all = reader(text.utf8.count, from: reading)
        await write(text, to: pump)
        #expect(await all.count == text.utf8.count)
        close(writing)
    }
}
