import Adapters
import Conformance
import Fakes
import Migration
import Testing

@Suite struct `The OpenAI adapter on the served stand-in` {
    @Test(arguments: EmbedderConformance.Rule.allCases)
    func `keeps the rules of an embedder`(rule: EmbedderConformance.Rule) async throws {
        let client = try CurlClient(CurlClient.Options(environment: [:]))
        let suite = EmbedderConformance(dimensions: 64) { account in
            let fake = FakeOpenAI(dimensions: 64, time: Time(ContinuousClock()))
            try await fake.become(account)
            // It lives as long as the process: the suite does not say when it is done with an embedder.
            let endpoint = try #require(try await ServedFakes(openAI: fake).start().first)
            let settings = OpenAIEmbedder.Settings(baseURL: endpoint.url, key: Secret(endpoint.key), dimensions: 64)
            return OpenAIEmbedder(settings, http: client)
        }
        try await suite.check(rule)
    }

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
