import Adapters
import Fakes
import Migration
import Testing

@Suite struct `The OpenAI adapter on the served stand-in` {
    @Test func `the probe finds nothing wrong`() async throws {
        let served = ServedFakes(openAI: FakeOpenAI(dimensions: 64, time: Time(ContinuousClock())))
        let endpoint = try #require(try await served.start().first)
        let settings = OpenAIEmbedder.Settings(baseURL: endpoint.url, key: Secret(endpoint.key), dimensions: 64)
        let embedder = OpenAIEmbedder(settings, http: try CurlClient(CurlClient.Options(environment: [:])))
        let probe = try await embedder.probe()
        await served.stop()
        #expect(probe.isBase64 && !probe.truncates && probe.dimensions == 64)
        #expect(probe.problems == [])
    }
}
