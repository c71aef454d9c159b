import Invariants
import Testing

/// I33: what was paid for is kept before it is written; I21: no text is paid for twice by one process.
@Suite struct `What a process keeps in its cache` {
    @Test func `is there before its point is written`() {
        var traffic = CacheTraffic()
        // It has not asked: it does not use the cache yet.
        #expect(traffic.breach(byWriting: "a", isPaid: true, "run0.0") == nil)
        traffic.wasAsked(for: ["a", "b"])
        #expect(traffic.breach(byWriting: "b", isPaid: false, "run0.0") == nil)
        #expect(
            traffic.breach(byWriting: "a", isPaid: true, "run0.0")?.description
                == "I33 run0.0 writes a vector that it has paid for and not kept in its cache"
        )
        traffic.keeps(["a"])
        #expect(traffic.breach(byWriting: "a", isPaid: true, "run0.0") == nil)
        traffic.wasGivenUp()
        #expect(traffic.breach(byWriting: "b", isPaid: true, "run0.0") == nil)
    }

    @Test func `is not paid for again`() {
        let traffic = RecordTraffic()
        #expect(traffic.breach(bySending: ["a", "b"], "run0.0") { _ in true } == nil)
        #expect(
            traffic.breach(bySending: ["a", "b", "a"], "run0.0") { _ in true }?.description
                == "I21 run0.0 sends a text twice in one request"
        )
        _ = traffic.wasEmbedded(["a"]) { _ in 7 }
        #expect(traffic.hasPaid(for: "a") && !traffic.hasPaid(for: "b"))
        let again = traffic.breach(bySending: ["b", "a"], "run0.0") { _ in true }
        #expect(again?.description == "I21 run0.0 pays again for a text whose vector it has got")
        // A probe is no record's text.
        #expect(traffic.breach(bySending: ["a"], "run0.0") { _ in false } == nil)
    }
}
