import Adapters
import Fakes
import Migration
import ServedFakes
import Subprocess
import Testing

/// The products' own Python clients drive the served fakes, and decide what a right answer is.
@Suite(.needs(.python), .timeLimit(.minutes(5))) struct `Official Python clients` {
    private let time = Time(ContinuousClock())

    @Test func `openai reads vectors, limits and errors`() async throws {
        try await drive("clients_openai.py", ServedFakes(openAI: FakeOpenAI(time: time)))
    }

    @Test func `openai tries again what may be tried again, and waits for the limit`() async throws {
        var behaviour = FakeOpenAI.Behaviour()
        behaviour.tokensPerMinute = 6_000
        let openAI = FakeOpenAI(time: time, behaviour: behaviour)
        try await drive("clients_openai_retry.py", ServedFakes(openAI: openAI))
    }

    @Test func `qdrant-client makes, fills, searches and deletes a collection`() async throws {
        try await drive("clients_qdrant.py", ServedFakes(qdrant: QdrantEngine()))
    }

    @Test func `supabase calls the functions of job tracking`() async throws {
        let store = FakeSupabase(time: time, entropy: SystemEntropy())
        try await drive("clients_supabase.py", ServedFakes(supabase: store))
    }

    private func drive(_ script: String, _ served: ServedFakes) async throws {
        let endpoint = try #require(try await served.start().first)
        let python = try #require(TestEnvironment.python)
        let result = try await Subprocess.run(
            .name("env"),
            arguments: [python, TestEnvironment.pythonSources + "/" + script, endpoint.url, endpoint.key],
            // A proxy of this machine is no way to loopback.
            environment: .inherit.updating(["NO_PROXY": "*"]),
            output: .string(limit: 1 << 16),
            error: .string(limit: 1 << 16)
        )
        await served.stop()
        #expect(result.terminationStatus.isSuccess, "\(result.standardError)")
        #expect(result.standardOutput == "ok\n")
    }
}
