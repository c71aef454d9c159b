import Foundation
import Subprocess
import Testing

@Suite(.needs(.python, .workflowSchema))
struct `The hosted workflow` {
    private struct Job: Decodable {
        let container: String
        let commands: [String]
    }

    @Test func `keeps the schema of workflows, and its last command is .ci/run`() async throws {
        let (status, jobs) = try await check(".github/workflows/ci.yml")
        #expect(status == "")
        #expect(jobs.values.map(\.commands.last) == ["bash .ci/run"])
    }

    @Test func `runs in the image that the Dockerfile builds in`() async throws {
        let jobs = try await check(".github/workflows/ci.yml").jobs
        let docker = try String(contentsOfFile: TestEnvironment.repository + "/Dockerfile", encoding: .utf8)
        for job in jobs.values { #expect(docker.contains("FROM \(job.container) AS source\n")) }
    }

    @Test func `would be refused with a key that the schema does not know`() async throws {
        let path = TestEnvironment.repository + "/.github/workflows/ci.yml"
        let spoilt = try String(contentsOfFile: path, encoding: .utf8).replacing("runs-on:", with: "runs-in:")
        let file = FileManager.default.temporaryDirectory.appending(path: "\(UUID()).yml")
        defer { try? FileManager.default.removeItem(at: file) }
        try Data(spoilt.utf8).write(to: file)
        #expect(try await check(file.path).problems.contains("jobs/ci"))
    }

    /// What the schema finds, and the jobs of the file.
    private func check(_ path: String) async throws -> (problems: String, jobs: [String: Job]) {
        let result = try await run(
            .name("env"),
            arguments: [
                try #require(TestEnvironment.python),
                TestEnvironment.pythonSources + "/workflow_check.py",
                path.hasPrefix("/") ? path : TestEnvironment.repository + "/" + path,
                try #require(TestEnvironment.workflowSchema),
            ],
            output: .string(limit: 1 << 20),
            error: .string(limit: 1 << 20)
        )
        let jobs = try JSONDecoder().decode([String: Job].self, from: Data(result.standardOutput.utf8))
        #expect(result.terminationStatus.isSuccess == result.standardError.isEmpty)
        return (result.standardError, jobs)
    }
}
