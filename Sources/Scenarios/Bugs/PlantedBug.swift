import Fakes

/// A mistake that the fake makes on purpose, so that a test can show that the checks of a history notice it.
package enum PlantedBug: String, CaseIterable, Sendable {
    /// Looks for free batches, gives way, and takes them as if nothing had happened.
    case claimChecksThenSets
    /// A repeat does not wait for its original.
    case claimWithoutItsLock
    /// A floor is believed.
    case claimWithoutSecondLook
    /// Whoever calls is heard while the batch is at work.
    case statusIsTheOnlyGuard
    /// The number of the batch is enough to end it.
    case finishByNumberAlone
    /// Heartbeats add to the counts.
    case progressIsAdded
    /// The counters take the records of attempts that will be repeated.
    case everyAttemptIsCounted
    case deferUsesTheBudget
    case heartbeatPassesTheDeadline
    /// The reaper ends what it saw, whatever became of it until it had the lock.
    case reaperDoesNotLookAgain
    case requeueResetsTheAttempt
    /// A page is stored wherever the plan stands.
    case appendIgnoresTheCursor
    case oldEpochIsHeard
    /// A process that joins a job which has ended is given it as if it were open.
    case joinRevivesAnEndedJob
    /// The brakes go on counting what a person has seen and resumed from.
    case resumeKeepsTheBaseline
    /// A job is opened without a look at the open one of its target.
    case opensBesideAnother
    /// Whole batches are divided that are not given up.
    case isolatesWhatHasNotFailed
    /// The records of a divided batch come back two by two.
    case isolatesInPairs
    /// "Nothing is at work" and "nothing waits" are two reads.
    case finalizeReadsTwice
}

extension TrackingPolicy {
    /// The contract's own but for one mistake.
    package init(planted bug: PlantedBug?) {
        self.init()
        switch bug {
        case nil: break
        case .claimChecksThenSets: claimLocksBatches = false
        case .claimWithoutItsLock: claimLocksItsID = false
        case .claimWithoutSecondLook: claimLooksBelowItsFloor = false
        case .statusIsTheOnlyGuard: fence = .status
        case .finishByNumberAlone: fence = .number
        case .progressIsAdded: progressIsAbsolute = false
        case .everyAttemptIsCounted: onlyFinalAttemptsCount = false
        case .deferUsesTheBudget: deferralsAreFree = false
        case .heartbeatPassesTheDeadline: deadlineBoundsLeases = false
        case .reaperDoesNotLookAgain: reaperLooksAgain = false
        case .requeueResetsTheAttempt: requeueKeepsAttempts = false
        case .appendIgnoresTheCursor: appendNeedsItsCursor = false
        case .oldEpochIsHeard: epochIsChecked = false
        case .joinRevivesAnEndedJob: endedJobsStayEnded = false
        case .resumeKeepsTheBaseline: resumeResetsBrakes = false
        case .opensBesideAnother: targetsAreExclusive = false
        case .isolatesWhatHasNotFailed: onlyFailedBatchesAreDivided = false
        case .isolatesInPairs: recordsPerDividedBatch = 2
        case .finalizeReadsTwice: finalizeReadsOnce = false
        }
    }
}
