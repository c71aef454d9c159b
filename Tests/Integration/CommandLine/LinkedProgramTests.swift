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

    /// Foundation's tables of all languages, in the program itself or in a library that it asks for.
    static let tables = [
        "icudt", "libFoundation.so", "libFoundationInternationalization.so", "lib_FoundationICU.so",
    ]

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

    @Test func `migrate has none of Foundation's tables of all languages, which are larger than itself`() throws {
        #expect(try found(Self.tables, in: "migrate").isEmpty)
        #expect(try !found(Self.tables, in: "migrate-lab").isEmpty, "the other program has them")
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
