import Conformance
import Fakes
import Foundation
import Migration
import Synchronization
import Testing

@testable import Adapters

@Suite struct `The journal of leases` {
    @Test(arguments: LeaseJournalConformance.Rule.allCases)
    func `in memory keeps the rules`(rule: LeaseJournalConformance.Rule) async throws {
        let host = FakeHost()
        try await LeaseJournalConformance { host.journal() }.check(rule)
    }

    @Test(arguments: LeaseJournalConformance.Rule.allCases)
    func `in files keeps the rules`(rule: LeaseJournalConformance.Rule) async throws {
        try await withFolder { folder, warnings in
            let number = Mutex(0)
            try await LeaseJournalConformance {
                let name = number.withLock {
                    $0 += 1
                    return "\($0)"
                }
                return FileLeaseJournal(folder: folder, name: name) { warnings.add($0) }
            }.check(rule)
            #expect(warnings.all == [])
        }
    }

    @Test func `leaves no file when everything was ended`() async throws {
        try await withFolder { folder, _ in
            let journal = FileLeaseJournal(folder: folder, name: "1") { _ in }
            await journal.note(LeaseNote(token: "a", attempt: nil), of: LeaseJournalConformance.job)
            try expect(["1.json", "1.lock"], in: folder)
            await journal.strike("a")
            await journal.close()
            try expect([], in: folder)
        }
    }

    @Test(arguments: ["with space", "jürgen", "100%", "a#b?c", "ノート"])
    func `keeps leases in a folder of any name`(name: String) async throws {
        try await withFolder { folder, warnings in
            let folder = folder + "/" + name
            let journal = FileLeaseJournal(folder: folder, name: "1") { warnings.add($0) }
            await journal.note(LeaseNote(token: "a", attempt: nil), of: LeaseJournalConformance.job)
            try expect(["1.json", "1.lock"], in: folder)
            await journal.strike("a")
            await journal.close()
            try expect([], in: folder)
            #expect(warnings.all == [])
        }
    }

    @Test(arguments: ["", "{", #"{"version":1}"#, #"{"version":1,"job":null,"claims":7}"#])
    func `warns of damaged notes and goes on`(content: String) async throws {
        try await withFolder { folder, warnings in
            try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
            for name in ["1.lock", "1.new"] { try Data().write(to: URL(filePath: folder + "/" + name)) }
            try Data(content.utf8).write(to: URL(filePath: folder + "/1.json"))
            let journal = FileLeaseJournal(folder: folder, name: "2") { warnings.add($0) }
            #expect(await journal.leftBehind(in: LeaseJournalConformance.job).isEmpty)
            #expect(warnings.all.map { $0.contains("1.json is damaged") } == [true])
            try expect([], in: folder)
        }
    }

    @Test func `a file that was locked and never written leaves nothing behind`() async throws {
        try await withFolder { folder, warnings in
            try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
            try Data().write(to: URL(filePath: folder + "/1.lock"))
            let journal = FileLeaseJournal(folder: folder, name: "2") { warnings.add($0) }
            #expect(await journal.leftBehind(in: LeaseJournalConformance.job).isEmpty)
            #expect(warnings.all == [])
            try expect([], in: folder)
        }
    }

    @Test func `a folder that cannot be made is one warning and no more`() async throws {
        try await withFolder { folder, warnings in
            try Data().write(to: URL(filePath: folder))
            let journal = FileLeaseJournal(folder: folder + "/in/a/file", name: "1") { warnings.add($0) }
            for name in ["a", "b"] {
                await journal.note(LeaseNote(token: name, attempt: nil), of: LeaseJournalConformance.job)
                await journal.strike(name)
            }
            #expect(await journal.leftBehind(in: LeaseJournalConformance.job).isEmpty)
            await journal.close()
            #expect(warnings.all.count == 1)
        }
    }

    @Test func `many processes that begin and end at once keep every note, each taken over once`() async throws {
        try await withFolder { folder, warnings in
            let taken = await withTaskGroup(of: [String].self) { group in
                for process in 0..<24 {
                    group.addTask {
                        var taken: [String] = []
                        for round in 0..<8 {
                            let name = "\(process)-\(round)"
                            let journal = FileLeaseJournal(folder: folder, name: name) { warnings.add($0) }
                            await journal.note(
                                LeaseNote(token: name, attempt: nil),
                                of: LeaseJournalConformance.job
                            )
                            taken += await journal.leftBehind(in: LeaseJournalConformance.job).map(\.token)
                            await journal.settle(isDone: true)
                            await journal.close()
                        }
                        return taken
                    }
                }
                return await group.reduce(into: []) { $0 += $1 }
            }
            let last = FileLeaseJournal(folder: folder, name: "last") { _ in }
            let rest = await last.leftBehind(in: LeaseJournalConformance.job).map(\.token)
            #expect(taken.count > 50, "most were taken over while others began")
            #expect((taken + rest).sorted() == (0..<24).flatMap { p in (0..<8).map { "\(p)-\($0)" } }.sorted())
            #expect(warnings.all == [])
        }
    }

    private func expect(_ files: [String], in folder: String, sourceLocation: SourceLocation = #_sourceLocation) throws
    {
        let found = try FileManager.default.contentsOfDirectory(atPath: folder).sorted()
        #expect(found == files, sourceLocation: sourceLocation)
    }

    /// A path where nothing is yet.
    private func withFolder(_ body: (String, Warnings) async throws -> Void) async throws {
        let folder = FileManager.default.temporaryDirectory
            .appending(path: "leases-\(UInt64.random(in: 0...(.max)))").path()
        defer { try? FileManager.default.removeItem(atPath: folder) }
        let warnings = Warnings()
        try await body(folder, warnings)
    }
}

/// What a journal complained of.
private final class Warnings: Sendable {
    private let texts = Mutex<[String]>([])

    func add(_ text: String) { texts.withLock { $0.append(text) } }

    var all: [String] { texts.withLock { $0 } }
}
