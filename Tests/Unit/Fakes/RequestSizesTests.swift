import Adapters
import Fakes
import Testing

@Suite struct RequestSizesTests {
    @Test func `the stand-ins state the limits that the adapters state`() {
        #expect(FakeOpenAI.requestLimits == OpenAIEmbedder.requestLimits)
        #expect(FakeQdrant.pointsPerWrite == QdrantPointStore.pointsPerWrite)
    }
}
