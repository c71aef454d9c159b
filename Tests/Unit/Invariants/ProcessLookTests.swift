import Engine
import Invariants
import Migration
import Testing

private let second: Int64 = 1_000_000_000

/// I23 and I24: whether a process works when it could, and leaves when it has to.
@Suite struct `The pace of a process` {
    @Test func `is kept by one that is idle for no longer than between two claims`() {
        var deeds = Deeds()
        for moment in [0, 40] as [Int64] {
            #expect(deeds.wasSeen(canWork: true, at: moment * second, callsOverlap: false, "run0.0") == nil)
        }
        #expect(
            deeds.wasSeen(canWork: true, at: 41 * second, callsOverlap: false, "run0.0")?.description
                == "I23 run0.0 has done nothing for 41.0 seconds, with batches to claim"
        )
        #expect(deeds.wasSeen(canWork: true, at: 90 * second, callsOverlap: true, "run0.0") == nil)
        #expect(deeds.wasSeen(canWork: false, at: 42 * second, callsOverlap: false, "run0.0") == nil)
        #expect(deeds.wasSeen(canWork: true, at: 90 * second, callsOverlap: false, "run0.0") == nil)
    }

    @Test func `is not asked for while it has a reason to wait`() {
        var deeds = Deeds()
        var terms = SendingTerms()
        let isFree = { (moment: Int64, healedAt: Int64) in
            deeds.isFree(at: moment * second, terms, healedAt: healedAt * second)
        }
        #expect(isFree(0, 0))
        deeds.rests(for: .seconds(30), at: 0)
        deeds.rests(for: .seconds(5), at: 0)
        #expect(!isFree(29, 0) && isFree(30, 0))
        terms.wasRefused(PortFailure(.throttled(retryAfter: .seconds(60)), "slow down"), at: 0)
        #expect(!isFree(59, 0) && isFree(60, 0))
        deeds.writeFailedAt = 60 * second
        #expect(!isFree(210, 0) && isFree(211, 0))
        #expect(!isFree(211, 70))
        deeds.wrote([1], at: 212 * second)
        #expect(isFree(212, 70))
    }

    @Test func `ends when its grace and its last calls are over`() {
        var deeds = Deeds()
        for _ in 1...20 { #expect(deeds.wasSeenAfterStop(every: .seconds(5), "run0.0") == nil) }
        #expect(
            deeds.wasSeenAfterStop(every: .seconds(5), "run0.0")?.description
                == "I24 run0.0 had to stop, and is still there after 105.0 seconds"
        )
    }

    @Test func `leaves an attempt no more time than its requests take`() {
        let finding = { (age: Int64, healedAt: Int64) in
            AttemptLook(batch: 4, worker: "run0.0/0", records: 3, claimed: 131 * second).finding(
                at: (131 + age) * second,
                healedAt: healedAt,
                latency: .seconds(10)
            )
        }
        #expect(finding(130, 0) == nil)
        #expect(
            finding(131, 0)?.description
                == "I23 run0.0/0 works on batch 4 for 131.0 seconds, 130.0 seconds would do"
        )
        // It may have had to wait for what was broken before, or still is.
        #expect(finding(131, second) == nil && finding(131, .max) == nil)
        #expect(
            JobDuties.breach(ofEnding: 2, .running, after: .seconds(600)).description
                == "I23 job 2 is running, 600.0 seconds after the faults have stopped"
        )
    }
}

/// I24: which process may leave while the job is open.
@Suite struct `The departure of a process` {
    private static let full = StopReason.fatal(.points, PortFailure(.full, "no room"))
    private static let outOfMoney = StopReason.fatal(.embedder, PortFailure(.outOfMoney, "no credit"))
    private static let braked = StopReason.braked(Brake(.failures, "too many"))

    private static func finding(_ reason: StopReason, _ change: (inout Departure) -> Void = { _ in }) -> String? {
        var departure = Departure(of: "run0.0", reason)
        change(&departure)
        return departure.finding?.description
    }

    @Test func `is right when the job has ended`() {
        for status in [JobStatus.completed, .failed, .cancelled] { #expect(Self.finding(.jobEnded(status)) == nil) }
        #expect(Self.finding(.jobEnded(.running)) == "I24 run0.0 has left: job running")
    }

    @Test func `is right for what it was told`() {
        #expect(Self.finding(.signalled) { $0.wasSignalled = true } == nil)
        #expect(Self.finding(.signalled) { $0.isStranger = true } == nil)
        #expect(Self.finding(.configMismatch) { $0.isStranger = true } == nil)
        #expect(Self.finding(Self.full) { $0.mayBeFull = true } == nil)
        #expect(Self.finding(Self.outOfMoney) { $0.mayLackMoney = true } == nil)
        #expect(Self.finding(Self.braked) { $0.mayBrake = true } == nil)
    }

    @Test func `is named when nothing was wrong`() {
        #expect(Self.finding(.signalled) == "I24 run0.0 has left: signalled")
        #expect(Self.finding(.configMismatch) == "I24 run0.0 has left: config mismatch")
        #expect(Self.finding(Self.full) == "I24 run0.0 has left: fatal points full no room")
        #expect(Self.finding(Self.outOfMoney) == "I24 run0.0 has left: fatal embedder outOfMoney no credit")
        #expect(Self.finding(Self.braked) == "I24 run0.0 has left: braked: too many")
    }
}

/// I28: which process is admitted to a job.
@Suite struct `The admission to a job` {
    private static let job = TrackingStory.clean.job.summary
    private static let servers = JobServers(source: ["a"], points: ["b"], embedder: ["c"])

    private static func word(
        _ refusal: Joining.Refusal,
        hasMoved: Bool = false,
        isEmptied: Bool = false
    ) -> String {
        switch Admission.judge(refusal, of: "run0.0", hasMoved: hasMoved, isEmptied: isEmptied) {
        case .open: "open"
        case .emptyTable: "empty table"
        case .right: "right"
        case .wrong(let finding): finding.description
        }
    }

    @Test func `is refused to other servers alone`() {
        let refusal = Joining.Refusal.otherServers(Self.job, Self.servers)
        #expect(Self.word(refusal, hasMoved: true) == "right")
        #expect(Self.word(refusal) == "I28 run0.0 has the job's servers, but was refused: otherServers")
        #expect(Self.word(.emptySource) == "open")
        #expect(Admission.breach(byAdmitting: "run0.0", hasMoved: false) == nil)
        #expect(
            Admission.breach(byAdmitting: "run0.0", hasMoved: true)?.description
                == "I28 run0.0 has other servers than its job, and was admitted"
        )
    }

    @Test func `may be refused where a table has lost its rows`() {
        var evidence = JobEvidence()
        evidence.ids = 20
        let refusal = Joining.Refusal.noEvidence(Self.job, evidence, Self.servers)
        #expect(Self.word(refusal, isEmptied: true) == "empty table")
        #expect(Self.word(refusal) == "I28 run0.0 has the job's servers, but was refused: noEvidence")
        evidence.idsFound = 1
        let other = Joining.Refusal.noEvidence(Self.job, evidence, Self.servers)
        #expect(Self.word(other, isEmptied: true).hasPrefix("I28 "))
    }
}

/// I27, I30 and I31: what is due of a job as a whole.
@Suite struct `The duties of a job` {
    @Test func `let only a process open one that has none`() {
        for (mayOpen, isWaiting) in [(true, true), (true, false), (false, false)] {
            #expect(JobDuties.breach(ofOpening: 3, by: "run0.0", mayOpen: mayOpen, isWaiting: isWaiting) == nil)
        }
        #expect(
            JobDuties.breach(ofOpening: 3, by: "run0.0", mayOpen: false, isWaiting: true)?.description
                == "I27 run0.0 has opened job 3, but it had a job to work on"
        )
    }

    private static func look(failures: Int64, removed: Int64?, failuresMax: Int? = 6) -> String? {
        var look = BrakeLook(of: 3, BrakeLimits(failuresMax: failuresMax, removalsMin: 6), atHand: 10)
        (look.done, look.failures, look.removed) = (200, failures, removed)
        return look.finding?.description
    }

    @Test func `let no more happen than the brakes admit and the workers have at hand`() {
        #expect(Self.look(failures: 16, removed: 20) == nil)
        #expect(
            Self.look(failures: 17, removed: 0)
                == "I30 job 3 goes on after 17 records were given up for nothing of their own"
        )
        #expect(Self.look(failures: 17, removed: 0, failuresMax: nil) == nil)
        #expect(
            Self.look(failures: 0, removed: 21) == "I30 job 3 goes on after 21 of 200 records have lost their points"
        )
        #expect(Self.look(failures: 0, removed: nil) == nil)
    }

    @Test func `let the brakes count anew from a resume on`() {
        let counted = BrakeCounts(serviceFailures: 5, removed: 7)
        #expect(counted.breach(byResuming: 3, to: counted) == nil)
        for (failures, removed) in [(4, 7), (5, 6)] as [(Int64, Int64)] {
            let baselines = BrakeCounts(serviceFailures: failures, removed: removed)
            #expect(
                counted.breach(byResuming: 3, to: baselines)?.description
                    == "I31 job 3 was resumed, and its brakes go on counting"
            )
        }
    }
}
