/// How often a run met what it is there to meet: a checker that passes is not a workload that bites.
package struct Coverage: Sendable, Equatable {
    package enum Event: String, CaseIterable, Sendable {
        case staleFinishMetNewOwner = "stale finish met a new owner"
        case staleWriteLanded = "stale upsert or delete landed"
        case answerLostAfterCommit = "answer lost after commit"
        case repeatedClaimAnsweredAlike = "repeated claim got the same batches"
        case repeatedClaimMetOriginal = "repeated claim met its running original"
        case leaseRevived = "expired lease revived by a heartbeat"
        case deadlineHit = "deadline hit with heartbeats alive"
        case reaperRacedFinish = "reaper raced a finish"
        case claimSkippedLockedRow = "claim skipped a locked row"
        case budgetUsedUp = "budget used up"
        case killerIsolated = "worker-killing record isolated"
        case deferred = "batch deferred"
        case plannerDiedBetweenReadAndAppend = "planner died between read and append"
        case controllerReplacedWhilePlanning = "controller replaced while planning"
        case oldEpochRefused = "page of an old epoch refused"
        case controlRacedClaim = "pause or cancel raced a claim"
        case releasedOnSignal = "release on a signal"
        case deferredTextNotPaidTwice = "text of a deferred batch not paid twice"
        case crashBetweenUpsertAndFinish = "crash between upsert and finish"
        case freezePastTheLease = "freeze past the lease"
        case leftClaimsTakenOver = "claims of a killed process taken over"
        case otherServersRefused = "process with other servers refused"
        case jobReplaced = "job replaced by a colleague"
        case lateRowFound = "row found at the second look"
        case absentPointsRemoved = "points of a blank or deleted row removed"
        case foundFull = "write into a full collection"
        case pointsMarked = "points of an older program marked"
        case braked = "job paused by a brake"
        case pointRefused = "point refused by the collection"
        case severalPortions = "batch read in several portions"
        case recordOverRequests = "record embedded in several requests"
        case listsSet = "lists of a record set by others"
    }

    private var counts: [Int] = Array(repeating: 0, count: Event.allCases.count)

    package init() {}

    package subscript(event: Event) -> Int { counts[Self.place(of: event)] }

    package mutating func add(_ event: Event, _ count: Int = 1) { counts[Self.place(of: event)] += count }

    package static func += (left: inout Self, right: Self) {
        for place in left.counts.indices { left.counts[place] += right.counts[place] }
    }

    private static func place(of event: Event) -> Int { Event.allCases.firstIndex(of: event) ?? 0 }

    /// How often an event must happen in 1,000 seeds of the whole workload.
    package static let floors: [(event: Event, count: Int)] = [
        (.staleFinishMetNewOwner, 50), (.staleWriteLanded, 50), (.answerLostAfterCommit, 400),
        (.repeatedClaimAnsweredAlike, 50), (.repeatedClaimMetOriginal, 20), (.leaseRevived, 20), (.deadlineHit, 20),
        (.reaperRacedFinish, 20), (.claimSkippedLockedRow, 50), (.budgetUsedUp, 50), (.killerIsolated, 20),
        (.deferred, 100), (.plannerDiedBetweenReadAndAppend, 20), (.controllerReplacedWhilePlanning, 20),
        (.oldEpochRefused, 20), (.controlRacedClaim, 50), (.releasedOnSignal, 50), (.deferredTextNotPaidTwice, 50),
        (.crashBetweenUpsertAndFinish, 50), (.freezePastTheLease, 50), (.leftClaimsTakenOver, 50),
        (.lateRowFound, 30), (.absentPointsRemoved, 400),
        (.foundFull, 100), (.pointsMarked, 200),
        (.pointRefused, 1_500), (.severalPortions, 800), (.recordOverRequests, 1_400), (.listsSet, 3_000),
    ]

    /// The floors that so many seeds have missed, scaled to their number.
    package func missed(seeds: Int) -> [(event: Event, count: Int, floor: Int)] {
        Self.floors.compactMap { floor in
            let needed = floor.count * seeds / 1000
            return self[floor.event] < needed ? (floor.event, self[floor.event], needed) : nil
        }
    }
}
