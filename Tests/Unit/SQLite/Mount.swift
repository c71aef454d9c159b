import Basics
import Foundation
import Glibc

/// A small file system in memory at a folder; only root can make one.
final class Mount: Sendable {
    private let folder: String

    /// - Parameters:
    ///   - folder: an empty folder.
    ///   - options: as for `mount -o`.
    /// - Throws: when `mount` cannot be run; nil if this user may not mount anything.
    init?(_ folder: String, options: String) throws {
        self.folder = folder
        guard geteuid() == 0, try Self.run("mount", "-t", "tmpfs", "-o", options, "tmpfs", folder) else { return nil }
    }

    func change(_ options: String) throws { _ = try Self.run("mount", "-o", options, folder) }

    func remove() { _ = try? Self.run("umount", "-l", folder) }

    private static func run(_ arguments: String...) throws -> Bool {
        let process = Process()
        process.executableURL = URL(filePath: "/usr/bin/env")
        process.arguments = arguments
        process.standardError = FileHandle.nullDevice
        try process.run()
        process.waitUntilExit()
        return process.terminationStatus == 0
    }
}

/// A thread that may wait for another one.
enum OwnThreadForTests {
    static func run(_ body: @escaping @Sendable () -> Void) { OwnThread.run(body) }
}
