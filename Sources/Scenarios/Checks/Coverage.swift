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
        case equalTextShared = "equal text embedded once"
        case vectorRecalled = "vector recalled from the cache"
        case cacheGivenUp = "cache given up"
    }

    private var counts: [Int] = Array(repeating: 0, count: Event.allCases.count)

    package init() {}

    package subscript(event: Event) -> Int { counts[Self.place(of: event)] }

    package mutating func add(_ event: Event, _ count: Int = 1) { counts[Self.place(of: event)] += count }

    package static func += (left: inout Self, right: Self) {
        for place in left.counts.indices { left.counts[place] += right.counts[place] }
    }

    private static func place(of event: Event) -> Int { Event.allCases.firstIndex(of: event) ?? 0 }

    /// How often 1,000 seeds of the whole workload meet an event, and by how much that varies from range to range.
    package struct Usual: Sendable {
        let event: Event
        let mean: Double
        let deviation: Double

        init(_ event: Event, mean: Double, deviation: Double) {
            self.event = event
            self.mean = mean
            self.deviation = deviation
        }
    }

    /// How often so many seeds must meet an event: five deviations below the mean, so that chance alone does not miss it.
    ///
    /// - Returns: nil for an event that is too rare, and for fewer than 1,000 seeds.
    package static func floor(of event: Event, seeds: Int) -> Int? {
        guard seeds >= 1000, let usual = usual.first(where: { $0.event == event }) else { return nil }
        let ranges = Double(seeds) / 1000
        return max(1, Int(usual.mean * ranges - 5 * usual.deviation * ranges.squareRoot()))
    }

    /// The floors that so many seeds have missed.
    package func missed(seeds: Int) -> [(event: Event, count: Int, floor: Int)] {
        Event.allCases.compactMap { event in
            guard let floor = Self.floor(of: event, seeds: seeds), self[event] < floor else { return nil }
            return (event, self[event], floor)
        }
    }
}
