import Foundation
import Testing

/// A pipe that holds one page, and a reader that waits first and then reads it a few bytes at a time: `less`, a slow disk, a
/// program that works on each line.
struct SlowReader {
    /// The least that a pipe holds.
    static let capacity = 4_096
    private static let setCapacity: Int32 = 1_031  // F_SETPIPE_SZ, which Swift does not see

    let path: String
    private let descriptor: Int32

    init(in folder: URL) throws {
        path = folder.appending(path: "pipe-\(UInt64.random(in: 0...(.max)))").path()
        let isMade = unsafe mkfifo(path, 0o600) == 0
        // Without waiting for the one that writes.
        descriptor = unsafe open(path, O_RDONLY | O_NONBLOCK | O_CLOEXEC)
        let capacity = fcntl(descriptor, Self.setCapacity, Int32(Self.capacity))
        try #require(isMade && descriptor >= 0 && capacity == Int32(Self.capacity))
    }

    func close() {
        Glibc.close(descriptor)
        _ = unsafe unlink(path)
    }

    /// Reads until the writer has closed its end, for two minutes at most, or until there are so many bytes, as `head` does.
    func read(upTo bytesMax: Int = .max) async throws -> String {
        var bytes: [UInt8] = []
        var page = [UInt8](repeating: 0, count: 1_500)
        var looks = 0
        while bytes.count < bytesMax, looks < 60_000 {
            let count = unsafe Glibc.read(descriptor, &page, page.count)
            if count > 0 {
                // The program has filled the pipe by then, and waits.
                if bytes.isEmpty { try await moment(.milliseconds(700)) }
                bytes += page.prefix(count)
                continue
            }
            // Zero before the first byte: the writer has not come yet.
            if count == 0, !bytes.isEmpty { break }
            looks += 1
            try await moment(.milliseconds(2))
        }
        return String(decoding: bytes, as: UTF8.self)
    }
}

extension Program {
    /// Runs to the end while standard output is read slowly.
    func runSlowlyRead(
        _ arguments: [String],
        _ environment: [String: String] = [:],
        upTo bytesMax: Int = .max
    ) async throws -> Result {
        let reader = try SlowReader(in: folder)
        var text = ""
        let ended = try await run(arguments, environment, redirecting: ">\(reader.path)") { _ in
            text = try await reader.read(upTo: bytesMax)
            reader.close()
        }
        return Result(status: ended.status, out: text, error: ended.error)
    }
}
