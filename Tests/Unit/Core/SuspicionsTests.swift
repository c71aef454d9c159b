import Testing

@testable import Migration

/// What is remembered of suspects between two attempts at their batch.
@Suite struct SuspicionsTests {
    private let policy = Suspicions.Policy()
    private let failure = PortFailure(.unavailable, "500")

    private func standing(_ suspicions: Suspicions, _ record: RecordID, at now: Duration = .zero) -> LookUp.Standing? {
        suspicions.standing(.text(0), of: record, checksum: "c", triesSuspects: true, at: now, policy)
    }

    @Test(arguments: [2, 3, 4, 7, 8, 14, 15, 16, 100, 2048, Int.max])
    func `a group that fails is halved from attempt to attempt, down to one`(size: Int) {
        var suspicions = Suspicions()
        var group = size
        var rounds = 0
        while group > 1 {
            suspicions.suspect(.text(0), of: 1, checksum: "c", group: group, policy)
            guard case .together(let most) = standing(suspicions, 1) else {
                Issue.record("not tried together")
                return
            }
            #expect(most <= max(1, group / 2) && most >= 1)
            group = most
            rounds += 1
        }
        #expect(rounds <= 63)
    }

    @Test func `a failure with more others tells nothing new`() {
        var suspicions = Suspicions()
        suspicions.suspect(.text(0), of: 1, checksum: "c", group: 4, policy)
        suspicions.suspect(.text(0), of: 1, checksum: "c", group: 100, policy)
        #expect(standing(suspicions, 1) == .together(atMost: 2))
        // Another version of the text is another text.
        #expect(suspicions.standing(.text(0), of: 1, checksum: "d", triesSuspects: true, at: .zero, policy) == nil)
    }

    @Test func `what goes well begins anew when it fails again`() {
        var suspicions = Suspicions()
        suspicions.suspect(.text(0), of: 1, checksum: "c", group: 2, policy)
        suspicions.clear(.text(0), of: 1, checksum: "c")
        #expect(standing(suspicions, 1) == nil)
        suspicions.suspect(.text(0), of: 1, checksum: "c", group: 50, policy)
        #expect(standing(suspicions, 1) == .together(atMost: 25))
    }

    @Test func `a suspect that has failed alone is tried alone, after a rest`() {
        var suspicions = Suspicions()
        suspicions.suspect(.text(0), of: 1, checksum: "c", group: 2, policy)
        #expect(suspicions.failed(.text(0), of: 1, checksum: "c", failure, at: .seconds(10), policy) == nil)
        #expect(standing(suspicions, 1, at: .seconds(11)) == .leave)
        #expect(standing(suspicions, 1, at: .seconds(10) + policy.rest) == .alone)
    }

    @Test func `a verdict is remembered for an hour after the last failure`() {
        var suspicions = Suspicions()
        for number in 0..<5 {
            _ = suspicions.failed(.text(0), of: 1, checksum: "c", failure, at: .seconds(1_000 * number), policy)
        }
        let forgotten = Duration.seconds(4_000) + policy.verdictMax
        let verdict = suspicions.verdict(on: 1, checksum: "c", at: forgotten - .seconds(1), policy)
        #expect(verdict?.failures == 5)
        #expect(suspicions.verdict(on: 1, checksum: "c", at: forgotten, policy) == nil)
    }

    @Test(arguments: [false, true])
    func `the oldest are forgotten, and a record that is suspected once more is not one of them`(isForgotten: Bool) {
        var policy = policy
        policy.recordsMax = 2
        var suspicions = Suspicions()
        suspicions.suspect(.text(0), of: 1, checksum: "c", group: 2, policy)
        if isForgotten { suspicions.forget([1]) } else { suspicions.clear(.text(0), of: 1, checksum: "c") }
        suspicions.suspect(.text(0), of: 2, checksum: "c", group: 2, policy)
        suspicions.suspect(.text(0), of: 1, checksum: "c", group: 2, policy)
        #expect(standing(suspicions, 1) != nil && standing(suspicions, 2) != nil)
        suspicions.suspect(.text(0), of: 3, checksum: "c", group: 2, policy)
        #expect(standing(suspicions, 2) == nil)
        #expect(standing(suspicions, 1) != nil && standing(suspicions, 3) != nil)
    }

    @Test func `small groups have their turn first, and no group is larger than its texts allow`() {
        var trials = BatchStateMachine.Trials(pointsPerWrite: 200)
        let texts = (0..<20).map { number -> (chunk: ChunkToEmbed, standing: LookUp.Standing) in
            let size = [8, 2, 1, 3][number % 4]
            return (ChunkToEmbed(record: number, chunk: 0, tokens: 5, bytes: 20), .together(atMost: size))
        }
        trials.add(texts: texts, limits: RequestLimits(inputsMax: 100, tokensMax: 1000))
        #expect(trials.texts.map(\.chunks.count) == [1, 1, 1, 1, 1, 2, 2, 1, 3, 2, 5])
        #expect(Set(trials.texts.flatMap(\.chunks).map(\.record)) == Set(0..<20))
    }
}
