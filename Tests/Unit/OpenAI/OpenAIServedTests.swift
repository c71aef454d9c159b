import Adapters
import Fakes
import Migration
import ServedFakes
import Settings
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

    /// Lends a probed embedder over a served fake whose vectors have 64 dimensions.
    private func use(dimensions: Int = 64, _ body: (ProbedEmbedder, FakeOpenAI) async throws -> Void) async throws {
        let fake = FakeOpenAI(dimensions: 64, time: Time(ContinuousClock()))
        let served = ServedFakes(openAI: fake)
        let endpoint = try #require(try await served.start().first)
        let settings = OpenAIEmbedder.Settings(
            baseURL: endpoint.url,
            key: Secret(endpoint.key),
            dimensions: dimensions
        )
        let http = try CurlClient(CurlClient.Options(environment: [:]))
        do { try await body(ProbedEmbedder(OpenAIEmbedder(settings, http: http)), fake) } catch {
            await served.stop()
            throw error
        }
        await served.stop()
    }

    @Test(arguments: Trouble.allCases)
    func `a text that never gets an answer arrives as what it would be in an outage, with a code`(trouble: Trouble)
        async throws
    {
        try await use { embedder, fake in
            fake.update { $0.troubles = { $0.contains("s3cret") ? trouble : nil } }
            _ = try await embedder.embed(["good"])
            do throws(PortFailure) {
                _ = try await embedder.embed(["good", "s3cret"], within: .seconds(1))
                Issue.record("it was embedded")
            } catch {
                let mayBeAnOutage = error.kind == .unavailable || error.kind == .outcomeUnknown
                #expect(mayBeAnOutage || error.code == PortFailure.blocked, "\(error.kind): \(error)")
                #expect(error.code != nil)
                #expect(!error.detail.contains("s3cret"))
            }
            _ = try await embedder.embed(["good"])
        }
    }

    @Test func `workers that start together probe once, and only before the first texts`() async throws {
        try await use { embedder, fake in
            #expect(fake.totals.texts == 0)
            try await withThrowingTaskGroup(of: Void.self) { group in
                for number in 0..<5 { group.addTask { _ = try await embedder.embed(["text \(number)"]) } }
                try await group.waitForAll()
            }
            #expect(fake.totals.texts == 3 + 5)
            _ = try await embedder.embed(["one more"])
            #expect(fake.totals.texts == 3 + 5 + 1)
        }
    }

    @Test func `a server whose vectors do not fit stops the job before any text is paid`() async throws {
        try await use(dimensions: 128) { embedder, fake in
            do throws(PortFailure) {
                _ = try await embedder.embed(["text"])
                Issue.record("it was embedded")
            } catch {
                #expect(error.kind == .unauthorised)
                #expect(error.code == "unusable_vectors")
            }
            #expect(fake.totals.texts == 1)
        }
    }

    @Test func `a server that shortens its vectors when asked is asked`() async throws {
        try await use(dimensions: 32) { embedder, _ in
            let vectors = try await embedder.embed(["text", "more"]).vectors
            #expect(vectors.map(\.count) == [32, 32])
        }
    }
}
