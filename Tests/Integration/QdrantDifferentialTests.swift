import Fakes
import ServedFakes
import Subprocess
import Testing

/// Generated requests to the served Qdrant and to Qdrant's own engine: the same answers.
///
/// What the engine's façade cannot judge is listed in `docs/fakes.md`.
@Suite(.needs(.python, .qdrant), .timeLimit(.minutes(15))) struct `The served Qdrant beside Qdrant's engine` {
    @Test(arguments: [1, 2]) func `answers generated requests as the engine does`(seed: Int) async throws {
        let served = ServedFakes(qdrant: QdrantEngine())
        let endpoint = try #require(try await served.start().first)
        let engine = try #require(TestEnvironment.qdrant)
        let python = try #require(TestEnvironment.python)
        let script = TestEnvironment.pythonSources + "/qdrant_differential.py"
        let result = try await Subprocess.run(
            .name("env"),
            arguments: [python, script, "\(seed)", "600", endpoint.url, endpoint.key, engine.url, engine.apiKey],
            output: .string(limit: 1 << 20),
            error: .string(limit: 1 << 16)
        )
        await served.stop()
        let shown = result.standardOutput
        #expect(result.terminationStatus.isSuccess, "\(shown)\(result.standardError)")
        #expect(shown.contains("600 requests, 0 differences"), "\(shown)")
        print(shown, terminator: "")
    }
}
