/// The rules by which the tracking store decides, each as in the contract (`docs/tracking.md`).
///
/// They are values so that a test of the checks can break a rule and show that a check notices it.
package struct TrackingPolicy: Sendable {
    /// What a caller must know about a batch so that its call is accepted.
    package enum Fence: Sendable {
        /// Its attempt and claim.
        case attempt
        /// Nothing, while the batch is at work.
        case status
        /// Only the batch's number, to end it.
        case number
    }

    package var fence = Fence.attempt
    /// A claim locks the free batches that it finds.
    package var claimLocksBatches = true
    /// A claim locks its own id, so that a repeat waits for its original.
    package var claimLocksItsID = true
    /// A claim that finds nothing above its floor looks at all batches.
    package var claimLooksBelowItsFloor = true
    /// A heartbeat raises the counts to the values that it reports.
    package var progressIsAbsolute = true
    /// The counters include only the records of the last attempt.
    package var onlyFinalAttemptsCount = true
    package var deferralsAreFree = true
    /// No lease is longer than the batch's deadline.
    package var deadlineBoundsLeases = true
    /// The reaper checks a batch again when it has locked it.
    package var reaperLooksAgain = true
    package var requeueKeepsAttempts = true
    /// A page is stored only at the plan's cursor.
    package var appendNeedsItsCursor = true
    /// Only the controller of the present epoch may plan.
    package var epochIsChecked = true
    package var endedJobsStayEnded = true
    /// A target has at most one open job.
    package var targetsAreExclusive = true
    /// The brakes count from zero when a person resumes the job.
    package var resumeResetsBrakes = true
    /// Only batches that are given up are divided.
    package var onlyFailedBatchesAreDivided = true
    /// Records per batch that a divided batch becomes.
    package var recordsPerDividedBatch = 1
    /// "Nothing is at work" and "nothing waits" are one read.
    package var finalizeReadsOnce = true

    package init() {}
}
