import Basics
import Foundation
import Testing

@Suite struct `The reason of the system` {
    private func reason(_ body: () throws -> Void) -> String? {
        do { try body() } catch { return error.systemReason }
        return nil
    }

    @Test func `is said in its own words, also where Foundation's error wraps it`() {
        #expect(POSIXError(.EACCES).systemReason == "Permission denied")
        #expect(reason { try Data("a".utf8).write(to: URL(filePath: "/dev/full")) } == "No space left on device")
        #expect(
            reason { _ = try FileManager.default.contentsOfDirectory(atPath: "/dev/null") } == "Not a directory"
        )
        let inNothing = URL(filePath: "/proc/nothing/here", directoryHint: .isDirectory)
        #expect(
            reason { try FileManager.default.createDirectory(at: inNothing, withIntermediateDirectories: true) }
                == "No such file or directory"
        )
    }

    @Test func `is a number where there is no more, and the error itself where it is another's`() {
        #expect(CocoaError(.fileLocking).systemReason == "error 255")
        #expect(CancellationError().systemReason == "CancellationError()")
    }
}
