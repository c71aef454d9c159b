import Invariants
import Migration
import Testing

private func seconds(_ count: Int64) -> Int64 { count * 1_000_000_000 }

/// I22: what a process was told about sending.
@Suite struct `The terms of sending` {
    @Test func `forbid it before the longest wait is over, but for what a slow clock may lose`() {
        var terms = SendingTerms()
        #expect(terms.breach(bySendingAt: 0, "run0.0") == nil)
        terms.wasRefused(PortFailure(.throttled(retryAfter: .seconds(20)), "slow down"), at: seconds(1))
        terms.wasRefused(PortFailure(.throttled(retryAfter: .seconds(5)), "slow down"), at: seconds(2))
        terms.wasRefused(PortFailure(.throttled(retryAfter: nil), "slow down"), at: seconds(3))
        #expect(terms.waitsUntil == seconds(21))
        let early = terms.breach(bySendingAt: seconds(20), "run0.0")
        #expect(early?.description == "I22 run0.0 sends 1.0 seconds before it may")
        #expect(terms.breach(bySendingAt: seconds(21) - 20_000_000, "run0.0") == nil)
    }

    @Test func `forbid it without money and with a full collection`() {
        var terms = SendingTerms()
        terms.wasRefused(PortFailure(.unavailable, "the server had an error"), at: 0)
        #expect(terms.breach(bySendingAt: 1, "run0.0") == nil)
        terms.wasRefused(PortFailure(.outOfMoney, "no credit"), at: 0)
        #expect(
            terms.breach(bySendingAt: 1, "run0.0")?.description == "I22 run0.0 sends after the account ran out of money"
        )
        terms.foundFull()
        #expect(
            terms.breach(bySendingAt: 1, "run0.0")?.description == "I22 run0.0 pays although the collection is full"
        )
    }
}

/// I22: what is sent in a minute.
@Suite struct `The tokens of a minute` {
    @Test func `are within the limit, but for the last request`() {
        var minute = TokenMinute(limit: 100)
        #expect(minute.send(90, at: 0) == nil)
        #expect(minute.send(90, at: seconds(1)) == nil)
        let finding = minute.send(1, at: seconds(59))
        #expect(finding?.description == "I22 180 tokens were sent within a minute, 100 are allowed")
        #expect(minute.send(1, at: seconds(61)) == nil, "a minute later they do not count any more")
    }

    @Test func `are not judged for two minutes after a reservation that had no answer`() {
        var minute = TokenMinute(limit: 100)
        minute.reservationFailed(at: 0)
        for second in [100, 101, 119] { #expect(minute.send(200, at: seconds(Int64(second))) == nil) }
        #expect(minute.send(200, at: seconds(120)) != nil)
    }
}

/// I32: which record is given up for failures of a service.
@Suite struct `The history of suspects` {
    private static func letter(isPermanent: Bool = false) -> FailedRecord {
        FailedRecord(recordId: 7, stage: .embed, code: "suspect", message: "", permanent: isPermanent)
    }

    private static func history(_ moments: [Int64], goodInputAt service: Service = .embedder) -> SuspectHistory {
        var history = SuspectHistory()
        for moment in moments {
            history.failed(7, at: .embedder, at: seconds(moment))
            history.wentWell(at: service)
        }
        return history
    }

    @Test func `lets a record go after five failures in two minutes, each with good input after it`() {
        let history = Self.history([0, 30, 60, 90, 120])
        #expect(history.finding([Self.letter()], by: "run0.0") == nil)
    }

    @Test func `names failures that are too few, too near, or without good input`() {
        let few = Self.history([0, 40, 80, 120]).finding([Self.letter()], by: "run0.0")
        #expect(few?.description == "I32 record 7 is given up by run0.0 after 4 failures in 120.1 seconds")
        let near = Self.history([0, 1, 2, 3, 4]).finding([Self.letter()], by: "run0.0")
        #expect(near?.description == "I32 record 7 is given up by run0.0 after 5 failures in 4.1 seconds")
        let history = Self.history([0, 30, 60, 90, 120], goodInputAt: .points)
        let unproved = history.finding([Self.letter()], by: "run0.0")
        #expect(unproved?.description == "I32 record 7 is given up by run0.0 after 0 failures in 0.1 seconds")
    }

    @Test func `says nothing of a record whose own content is the reason`() {
        #expect(SuspectHistory().finding([Self.letter(isPermanent: true)], by: "run0.0") == nil)
    }
}
