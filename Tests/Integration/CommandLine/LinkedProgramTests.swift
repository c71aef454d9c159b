import Foundation
import Glibc
import Testing

/// What is linked into the programs, by the names of their symbols.
@Suite struct `The linked programs` {
    /// Names that only the rooms for tests have, as Swift and C spell them in symbols.
    static let forTests = [
        "$s10Simulation", "$s9Scenarios", "$s10Invariants", "$s11ServedFakes", "$s9FlyingFox", "PlantedBug", "PortBug",
        "simulation_install", "simulation_set_current",
    ]

    /// The tracking file's room and what it brings.
    static let ofTheFile = ["$s6SQLite", "$s4GRDB", "libsqlite3.so"]

    /// The name of ICU's tables of all languages in the Foundation that this process has loaded.
    private static func tables() throws -> String {
        let mapped = try FileHandle(forReadingFrom: URL(filePath: "/proc/self/maps")).readToEnd() ?? Data()
        let maps = String(decoding: mapped, as: UTF8.self)
        let line = try #require(maps.split(separator: "\n").first { $0.hasSuffix("/lib_FoundationICU.so") })
        let path = try #require(line.firstIndex(of: "/").map { String(line[$0...]) })
        let library = try Data(contentsOf: URL(filePath: path), options: .alwaysMapped)
        let name = (1..<200).map { "icudt\($0)_dat" }.first { name in
            unsafe library.withUnsafeBytes { unsafe occurs(Array(name.utf8), in: $0) }
        }
        return try #require(name)
    }

    /// The names that stand somewhere in the file of a program.
    private func found(_ names: [String], in program: String) throws -> [String] {
        let program = try Program(program)
        defer { program.remove() }
        let file = try Data(contentsOf: URL(filePath: program.path), options: .alwaysMapped)
        return unsafe file.withUnsafeBytes { bytes in
            names.filter { name in unsafe Self.occurs(Array(name.utf8), in: bytes) }
        }
    }

    /// By C's search for one byte: `firstRange(of:)` takes seconds for each name.
    private static func occurs(_ name: [UInt8], in bytes: UnsafeRawBufferPointer) -> Bool {
        guard let base = bytes.baseAddress, let first = name.first else { return false }
        var place = 0
        while place + name.count <= bytes.count,
            let hit = unsafe memchr(base + place, Int32(first), bytes.count - name.count - place + 1)
        {
            if unsafe memcmp(hit, name, name.count) == 0 { return true }
            place = unsafe UnsafeRawPointer(hit) - base + 1
        }
        return false
    }

    @Test func `migrate has neither simulation nor planted mistakes`() throws {
        let own = "$s9Migration"
        #expect(try found([own] + Self.forTests, in: "migrate") == [own], "the search finds symbols")
        #expect(try found(Self.forTests, in: "migrate-lab") == Self.forTests, "the other program has them")
    }

    @Test func `migrate has the tracking file, and migrate-lab has not`() throws {
        #expect(try found(Self.ofTheFile, in: "migrate") == Self.ofTheFile)
        #expect(try found(Self.ofTheFile, in: "migrate-lab").isEmpty)
    }

    /// The real tables are larger than the program; `scripts/release`, which links them statically, looks at their size.
    @Test func `migrate has an empty table under the name of this toolchain's tables of all languages`() throws {
        let tables = try Self.tables()
        #expect(try found([tables], in: "migrate") == [tables])
        #expect(try found([tables], in: "migrate-lab").isEmpty)
    }

    @Test func `what has moved is said in one sentence`() async throws {
        for command in ["simulate", "serve-fakes"] {
            let program = try Program()
            defer { program.remove() }
            let ended = try await program.run(command, "--seeds", "3")
            #expect(ended.status == 64)
            #expect(ended.out.isEmpty)
            #expect(
                ended.error
                    == "migrate: this is now `migrate-lab \(command)`, in the program for testers\n"
            )
        }
    }
}
