import Fakes

/// A mistake that the fake makes on purpose, so that a test can show that the checks of a history notice it.
package enum PlantedBug: String, CaseIterable, Sendable {
    /// Looks for free batches, pauses, and takes them without looking again.
    case claimChecksThenSets
    /// A repeated call does not wait for its original.
    case claimWithoutItsLock
    /// The claim floor is trusted without a second look.
    case claimWithoutSecondLook
    /// Any caller is accepted while the batch is being worked on.
    case statusIsTheOnlyGuard
    /// The number of the batch is enough to end it; the attempt is not compared.
    case finishByNumberAlone
    /// Heartbeats add to the counts instead of replacing them.
    case progressIsAdded
    /// The counters include the records of attempts that will be repeated.
    case everyAttemptIsCounted
    case deferUsesTheBudget
    case heartbeatPassesTheDeadline
    /// The reaper ends what it saw, without looking again after it got the lock.
    case reaperDoesNotLookAgain
    case requeueResetsTheAttempt
    /// A page is stored even if the plan's cursor has moved.
    case appendIgnoresTheCursor
    case oldEpochIsHeard
    /// A process that joins a job that has ended gets it as if it were open.
    case joinRevivesAnEndedJob
    /// After a resume the brakes still count what led to the pause.
    case resumeKeepsTheBaseline
    /// A job is opened without checking for an open job with the same target.
    case opensBesideAnother
    /// Whole batches are divided that have not been given up.
    case isolatesWhatHasNotFailed
    /// The records of a divided batch are put into batches of two.
    case isolatesInPairs
    /// "Nothing is at work" and "nothing waits" are read separately.
    case finalizeReadsTwice
}

extension TrackingPolicy {
    /// The contract's own rules, except for one mistake.
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
