import Foundation
import Testing

/// What is linked into the programs, by the names of their symbols.
@Suite struct `The linked programs` {
    /// Names that only the rooms for tests have, as Swift and C spell them in symbols.
    static let forTests = [
        "$s10Simulation", "$s9Scenarios", "$s10Invariants", "$s11ServedFakes", "$s9FlyingFox", "PlantedBug", "PortBug",
        "simulation_install", "simulation_set_current",
    ]

    @Test(arguments: forTests) func `migrate has neither simulation nor planted mistakes`(symbol: String) throws {
        let production = try Data(contentsOf: URL(filePath: Program("migrate").path), options: .alwaysMapped)
        #expect(production.firstRange(of: Data("$s9Migration".utf8)) != nil, "the search finds symbols")
        #expect(production.firstRange(of: Data(symbol.utf8)) == nil)
        let lab = try Data(contentsOf: URL(filePath: Program("migrate-lab").path), options: .alwaysMapped)
        #expect(lab.firstRange(of: Data(symbol.utf8)) != nil, "the other program has it")
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
                    == "migrate: this is `migrate-lab \(command)` now: a program of its own, for those who test\n"
            )
        }
    }
}
