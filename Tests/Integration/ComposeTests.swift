import Foundation
import Settings
import Subprocess
import Testing

@Suite(.needs(.python, .composeSchema))
struct `docker-compose.test.yml` {
    private struct Report: Decodable {
        /// The variables of each service that is built from our Dockerfile.
        let environment: [String: [String]]
        /// Every published port, as written.
        let published: [String]
    }

    @Test func `keeps the Compose specification`() async throws {
        _ = try await report()
    }

    @Test func `sets only variables that the program or the tests know`() async throws {
        let known = Set(SettingsTable.all.map(\.name)).union(Need.allCases.flatMap(\.variables))
            .union(["MIGRATE_TEST_REQUIRE"])
        let environment = try await report().environment
        #expect(environment.keys.sorted() == ["embedder", "migration", "tests"])
        for (service, names) in environment.sorted(by: { $0.key < $1.key }) {
            #expect(Set(names).subtracting(known).sorted() == [], "unknown variables of \(service)")
        }
    }

    @Test func `gives the tests every variable they need`() async throws {
        let given = Set(try await report().environment["tests"] ?? [])
        #expect(Set(Need.allCases.filter(\.isRequired).flatMap(\.variables)).subtracting(given).sorted() == [])
    }

    @Test func `publishes on loopback only`() async throws {
        let published = try await report().published
        #expect(!published.isEmpty)
        #expect(published.filter { !$0.hasPrefix("127.0.0.1:") } == [])
    }

    private func report() async throws -> Report {
        let result = try await run(
            .name("env"),
            arguments: [
                try #require(TestEnvironment.python),
                TestEnvironment.pythonSources + "/compose_check.py",
                TestEnvironment.repository + "/docker-compose.test.yml",
                try #require(TestEnvironment.composeSchema),
            ],
            output: .string(limit: 1 << 20),
            error: .string(limit: 1 << 20)
        )
        #expect(result.terminationStatus.isSuccess, "\(result.standardError)")
        return try JSONDecoder().decode(Report.self, from: Data(result.standardOutput.utf8))
    }
}
