import Foundation
import Testing

@testable import migrate

/// What stands in files that people name.
@Suite struct `The bytes of a file` {
    @Test(arguments: [0, 1, 65_535, 65_536, 65_537, 200_000]) func `are all of it`(count: Int) throws {
        let bytes = (0..<count).map { UInt8(truncatingIfNeeded: $0 &* 31) }
        let file = FileManager.default.temporaryDirectory.appending(path: "bytes-\(UInt64.random(in: 0...(.max))) ü")
        try Data(bytes).write(to: file)
        defer { try? FileManager.default.removeItem(at: file) }
        let path = file.path(percentEncoded: false)
        #expect(try FileBytes.read(path) == bytes)
        #expect(try FileBytes.read(path, upTo: count) == bytes)
        #expect(try FileBytes.read(path, upTo: 70_000) == Array(bytes.prefix(70_000)))
        #expect(try FileBytes.read(path, upTo: 0).isEmpty)
    }

    @Test func `end where a device or a pipe ends`() async throws {
        #expect(try FileBytes.read("/dev/null").isEmpty)
        #expect(try FileBytes.read("/dev/zero", upTo: 100_000) == Array(repeating: 0, count: 100_000))
        let pipe = Pipe()
        let text = Array("MYSQL_HOST=db\n".utf8)
        try pipe.fileHandleForWriting.write(contentsOf: text)
        try pipe.fileHandleForWriting.close()
        #expect(try FileBytes.read("/proc/self/fd/\(pipe.fileHandleForReading.fileDescriptor)") == text)
    }

    @Test(arguments: [
        ("/nonexistent/file", POSIXError.Code.ENOENT), ("/dev/null/file", .ENOTDIR), ("/tmp", .EISDIR),
        ("/proc/self/mem", .EIO),
    ])
    func `are refused with the reason`(path: String, reason: POSIXError.Code) {
        let error = #expect(throws: POSIXError.self) { try FileBytes.read(path) }
        #expect(error?.code == reason)
    }
}
