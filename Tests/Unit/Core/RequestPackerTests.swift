import Adapters
import Migration
import Testing

@Suite struct RequestPackerTests {
    func chunk(_ tokens: Int, bytes: Int = 1) -> ChunkToEmbed {
        ChunkToEmbed(record: 0, chunk: 0, tokens: tokens, bytes: bytes)
    }

    @Test func `requests keep inputs, tokens and bytes under their limits`() {
        let limits = RequestLimits(inputsMax: 3, tokensMax: 100)
        #expect(EmbeddingRequest.pack([], limits: limits).isEmpty)
        #expect(
            EmbeddingRequest.pack(Array(repeating: chunk(1), count: 7), limits: limits).map(\.chunks.count) == [
                3, 3, 1,
            ]
        )
        #expect(EmbeddingRequest.pack([chunk(60), chunk(40), chunk(1)], limits: limits).map(\.tokens) == [100, 1])
        #expect(EmbeddingRequest.pack([chunk(1, bytes: 300), chunk(1, bytes: 200)], limits: limits).count == 2)
    }

    @Test func `a text above the limit still gets a request, for the server to judge`() {
        let limits = RequestLimits(inputsMax: 3, tokensMax: 100)
        #expect(EmbeddingRequest.pack([chunk(5), chunk(500), chunk(5)], limits: limits).map(\.tokens) == [5, 500, 5])
    }

    @Test func `a request is at most 1.2 % of the minute's quota`() {
        #expect(OpenAIEmbedder.requestLimits.sharing(tokensPerMinute: 1_000_000).tokensMax == 12_000)
        #expect(OpenAIEmbedder.requestLimits.sharing(tokensPerMinute: nil).tokensMax == 290_000)
        #expect(OpenAIEmbedder.requestLimits.sharing(tokensPerMinute: 10).tokensMax == 1)
    }
}
