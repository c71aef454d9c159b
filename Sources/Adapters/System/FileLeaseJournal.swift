import Basics
import FoundationEssentials
import Glibc
package import Migration

/// The journal of leases as files on this host: next to the notes of each process there is a file that it keeps locked.
///
/// The kernel releases the lock when the process ends, however it ends; the process that then gets the lock is the only
/// one to take over. The notes are replaced in one step (written to a second file, then renamed), and not forced to the
/// disk: what a process wrote outlives the process, and after a crash of the whole machine leases run out by
/// themselves.
///
/// Files block, so this actor has its own thread.
package actor FileLeaseJournal: LeaseJournal {
    /// The content of a file of notes.
    private struct Notes: Codable {
        var version = 1
        let job: JobMark
        var claims: [LeaseNote]
    }

    /// After this time every lease has run out, so older notes are useless: the longest lease is 20 minutes.
    private static let age: TimeInterval = 86_400

    package nonisolated var unownedExecutor: UnownedSerialExecutor { unsafe executor.asUnownedSerialExecutor() }

    private nonisolated let executor = ThreadExecutor(name: "leases")
    private let folder: URL
    private let name: String
    private let warn: @Sendable (String) -> Void
    private var lock: LockedFile?
    private var notes: Notes?
    private var takenOver: [LockedFile] = []
    private var hasWarned = false

    /// Makes a journal; nothing is written before the first note.
    ///
    /// - Parameters:
    ///   - folder: created when it is missing; shared by all processes of this user.
    ///   - name: of this process's files; no other process uses it.
    ///   - warn: called once, with a sentence that says why a kill would cost waiting time.
    package init(folder: String, name: String, warn: @escaping @Sendable (String) -> Void) {
        self.folder = URL(filePath: folder, directoryHint: .isDirectory)
        self.name = name
        self.warn = warn
    }

    deinit { executor.stop() }

    package func note(_ note: LeaseNote, of job: JobMark) {
        var claims = notes?.claims ?? []
        claims.removeAll { $0.token == note.token }
        claims.append(note)
        notes = Notes(job: job, claims: claims)
        write()
    }

    package func strike(_ token: String) {
        guard let count = notes?.claims.count else { return }
        notes?.claims.removeAll { $0.token == token }
        if notes?.claims.count != count { write() }
    }

    package func close() {
        if let lock, notes?.claims.isEmpty ?? true { lock.remove() }
        lock = nil
        notes = nil
    }

    package func leftBehind(in job: JobMark) -> [LeaseNote] {
        let files: [String]
        do {
            guard FileManager.default.fileExists(atPath: folder.systemPath) else { return [] }
            files = try FileManager.default.contentsOfDirectory(atPath: folder.systemPath).sorted()
        } catch {
            complain("\(folder.systemPath) cannot be read (\(error.systemReason))")
            return []
        }
        var claims: [LeaseNote] = []
        for file in files where file.hasSuffix(LockedFile.ending) {
            let path = folder.appending(path: file)
            guard path.systemPath != lock?.path.systemPath, let dead = LockedFile.ofDead(path) else { continue }
            guard let notes = read(dead) else {
                dead.remove()
                continue
            }
            if notes.job == job {
                takenOver.append(dead)
                claims += notes.claims
            } else if dead.age > Self.age {
                dead.remove()
            }
        }
        return claims
    }

    package func settle(isDone: Bool) {
        if isDone { for file in takenOver { file.remove() } }
        takenOver = []
    }

    /// Nil if there is nothing to take over.
    private func read(_ dead: LockedFile) -> Notes? {
        guard let data = FileManager.default.contents(atPath: dead.notes.systemPath) else { return nil }
        do {
            let notes = try JSONDecoder().decode(Notes.self, from: data)
            return notes.claims.isEmpty ? nil : notes
        } catch {
            warn("\(dead.notes.systemPath) is damaged: the leases it named run out by themselves")
            return nil
        }
    }

    private func write() {
        do {
            if lock == nil {
                try FileManager.default.createDirectory(
                    at: folder,
                    withIntermediateDirectories: true,
                    attributes: [.posixPermissions: 0o700]
                )
                lock = try LockedFile.make(folder.appending(path: name + LockedFile.ending))
            }
            try lock?.replaceNotes(by: JSONEncoder().encode(notes))
        } catch {
            complain("\(folder.systemPath) cannot be written (\(error.systemReason))")
        }
    }

    private func complain(_ what: String) {
        if hasWarned { return }
        hasWarned = true
        warn("\(what): after a kill, the next run waits for leases to run out; STATE_DIRECTORY names another folder")
    }
}

/// A locked file that belongs to this process as long as this value lives, and the notes next to it.
private final class LockedFile {
    static let ending = ".lock"

    let path: URL
    private let descriptor: Int32

    /// The notes next to the locked file.
    var notes: URL { path.deletingPathExtension().appendingPathExtension("json") }
    private var draft: URL { path.deletingPathExtension().appendingPathExtension("new") }

    /// Makes the file and locks it.
    static func make(_ path: URL) throws -> LockedFile {
        // Before it is locked, a process that looks for dead ones may lock it, find no notes and remove it.
        for _ in 0..<10 {
            let file = LockedFile(path, descriptor: try open(path, O_CREAT))
            if flock(file.descriptor, LOCK_EX) == 0, file.isInPlace { return file }
        }
        // "No locks available": the file system has none, or another process was faster each time.
        throw POSIXError(.ENOLCK)
    }

    /// Locks the file of a process that has died; nil while it lives, or if another process was faster.
    static func ofDead(_ path: URL) -> LockedFile? {
        guard let descriptor = try? open(path, 0) else { return nil }
        let file = LockedFile(path, descriptor: descriptor)
        return flock(descriptor, LOCK_EX | LOCK_NB) == 0 && file.isInPlace ? file : nil
    }

    private init(_ path: URL, descriptor: Int32) {
        self.path = path
        self.descriptor = descriptor
    }

    deinit { Glibc.close(descriptor) }

    /// Replaces the notes in one step.
    func replaceNotes(by data: Data) throws {
        try data.write(to: draft)
        guard unsafe rename(draft.systemPath, notes.systemPath) == 0 else { throw Self.lastError }
    }

    /// Removes the notes, then the file itself.
    func remove() {
        for file in [draft, notes, path] { unsafe unlink(file.systemPath) }
    }

    /// Seconds since the notes were written.
    var age: TimeInterval {
        var status = stat()
        guard unsafe stat(notes.systemPath, &status) == 0 else { return 0 }
        return -Date(timeIntervalSince1970: TimeInterval(status.st_mtim.tv_sec)).timeIntervalSinceNow
    }

    /// Whether the path still leads to the opened file.
    private var isInPlace: Bool {
        var opened = stat()
        var named = stat()
        guard unsafe fstat(descriptor, &opened) == 0, unsafe stat(path.systemPath, &named) == 0 else { return false }
        return opened.st_ino == named.st_ino && opened.st_dev == named.st_dev
    }

    private static func open(_ path: URL, _ flags: Int32) throws -> Int32 {
        let descriptor = unsafe Glibc.open(path.systemPath, flags | O_RDWR | O_CLOEXEC, 0o600)
        if descriptor < 0 { throw lastError }
        return descriptor
    }

    private static var lastError: POSIXError { POSIXError(POSIXErrorCode(rawValue: errno) ?? .EIO) }
}

extension URL {
    /// As the system's calls take it: a space is a space, not `%20`.
    fileprivate var systemPath: String { path(percentEncoded: false) }
}
