import Migration
import Testing

/// Which texts a runner embeds, and which vectors it has already.
@Suite struct `Shared texts` {
    @Test func `are embedded by the first request that takes them`() {
        var texts = SharedTexts()
        #expect(texts.take(["a", "b", "a"], for: 1, mayWait: true) == .taken([.own, .own, .same(as: 0)]))
        #expect(texts.take(["c", "b"], for: 2, mayWait: true) == .wait(forRequest: 1))
        // A request that waits has taken nothing.
        #expect(texts.take(["c"], for: 3, mayWait: true) == .taken([.own]))
        texts.learn([1], of: "a")
        texts.learn([2], of: "b")
        texts.end(["a", "b", "a"], of: 1)
        #expect(texts.vector(of: "a") == [1])
        #expect(texts.vector(of: "c") == nil)
        #expect(texts.take(["a", "b"], for: 4, mayWait: true) == .taken([.known([1]), .known([2])]))
    }

    @Test func `are equal byte by byte only`() {
        var texts = SharedTexts()
        // One letter in one scalar and in two: the same text for Swift, but not for an embedder.
        let (whole, parts) = ("\u{E9}", "e\u{301}")
        #expect(whole == parts)
        #expect(texts.take([whole, parts], for: 1, mayWait: true) == .taken([.own, .own]))
        texts.learn([1], of: whole)
        #expect(texts.vector(of: whole) == [1] && texts.vector(of: parts) == nil)
    }

    @Test func `are free again when their request has failed`() {
        var texts = SharedTexts()
        #expect(texts.take(["a", "b"], for: 1, mayWait: true) == .taken([.own, .own]))
        texts.learn([1], of: "a")
        texts.end(["a", "b"], of: 1)
        #expect(texts.take(["a", "b"], for: 2, mayWait: true) == .taken([.known([1]), .own]))
    }

    @Test func `are taken over by a request that has waited long enough`() {
        var texts = SharedTexts()
        #expect(texts.take(["a"], for: 1, mayWait: true) == .taken([.own]))
        #expect(texts.take(["a", "a"], for: 2, mayWait: false) == .taken([.own, .same(as: 0)]))
        // The end of the first request takes nothing from the second.
        texts.end(["a"], of: 1)
        #expect(texts.take(["a"], for: 3, mayWait: true) == .wait(forRequest: 2))
    }

    @Test func `stay within their memory, and those that are met again stay longest`() {
        var texts = SharedTexts(bytesMax: 4 * 133)
        for text in ["a", "b", "c", "d"] { texts.learn([1], of: text) }
        #expect(texts.take(["a"], for: 1, mayWait: true) == .taken([.known([1])]))
        texts.learn([1], of: "e")
        #expect(texts.bytes <= 4 * 133)
        #expect(texts.take(["a", "b"], for: 2, mayWait: true) == .taken([.known([1]), .own]))
    }

    @Test func `are not noted beyond their number, and are embedded all the same`() {
        var texts = SharedTexts(askedMax: 1)
        #expect(texts.take(["a", "b"], for: 1, mayWait: true) == .taken([.own, .own]))
        #expect(texts.take(["b"], for: 2, mayWait: true) == .taken([.own]))
        texts.end(["a", "b"], of: 1)
        #expect(texts.take(["c"], for: 3, mayWait: true) == .taken([.own]))
        #expect(texts.take(["c"], for: 4, mayWait: true) == .wait(forRequest: 3))
    }
}

/// When a runner goes on without its cache.
@Suite struct `The standing of the cache` {
    @Test(arguments: [PortFailure.Kind.rejected, .full, .unauthorised, .unclassified, .outcomeUnknown])
    func `ends with a failure that does not pass, once`(kind: PortFailure.Kind) {
        var standing = CacheStanding()
        standing.prove()
        let ends = [standing.failed(kind), standing.failed(kind), standing.giveUp()]
        #expect(ends == [true, false, false])
        standing.prove()
        #expect(standing.state == .givenUp)
    }

    @Test func `ends with three failures in a row that may pass`() {
        var standing = CacheStanding()
        standing.prove()
        var ends = [standing.failed(.unavailable), standing.failed(.unavailable)]
        ends += [standing.answered(after: .seconds(1)), standing.failed(.cancelled)]
        ends += [standing.failed(.unavailable), standing.failed(.unavailable)]
        #expect(ends.allSatisfy { !$0 } && standing.state == .proved)
        let isSlow = standing.answered(after: .seconds(6))
        #expect(isSlow && standing.state == .givenUp)
    }

    @Test func `says once that entries are damaged`() {
        var standing = CacheStanding()
        let told = [standing.foundDamage(), standing.foundDamage()]
        #expect(told == [true, false])
    }

    @Test func `compares vectors by their direction`() {
        #expect(CacheStanding.cosine([1, 0], [2, 0]) == 1)
        #expect(CacheStanding.cosine([1, 0], [0, 1]) == 0)
        #expect(CacheStanding.cosine([1, 0], [1, 0.01]) >= CacheStanding.cosineMin)
        #expect(CacheStanding.cosine([1, 0], [1, 0.1]) < CacheStanding.cosineMin)
        #expect(CacheStanding.cosine([1], [1, 0]) == 0)
        #expect(CacheStanding.cosine([0], [0]) == 0)
    }
}
