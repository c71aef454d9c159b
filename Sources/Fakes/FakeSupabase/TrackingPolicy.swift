/// The rules of the tracking store by which it decides, each as the contract has it (`docs/tracking.md`).
///
/// They are values so that a test of the checks can break one of them and show that a check notices.
package struct TrackingPolicy: Sendable {
    /// What a caller must know of a batch to be heard about it.
    package enum Fence: Sendable {
        /// Its attempt and claim.
        case attempt
        /// While it is at work nothing.
        case status
        /// To end it nothing but its number.
        case number
    }

    package var fence = Fence.attempt
    /// A claim locks the free batches it finds.
    package var claimLocksBatches = true
    /// A claim locks its own id, so that a repeat waits for its original.
    package var claimLocksItsID = true
    /// A claim that finds nothing above its floor looks at all batches.
    package var claimLooksBelowItsFloor = true
    /// A heartbeat raises the counts to those it tells.
    package var progressIsAbsolute = true
    /// The counters take the records of the last attempt alone.
    package var onlyFinalAttemptsCount = true
    package var deferralsAreFree = true
    /// No lease is longer than the batch's deadline.
    package var deadlineBoundsLeases = true
    /// The reaper judges a batch anew when it has its lock.
    package var reaperLooksAgain = true
    package var requeueKeepsAttempts = true
    /// A page is stored only where the plan stands.
    package var appendNeedsItsCursor = true
    /// Only the controller of the present epoch is heard.
    package var epochIsChecked = true
    package var endedJobsStayEnded = true
    /// Of a target at most one job is open.
    package var targetsAreExclusive = true
    /// The brakes begin anew when a person resumes the job.
    package var resumeResetsBrakes = true
    /// Only batches that are given up are divided.
    package var onlyFailedBatchesAreDivided = true
    /// Of a batch that a divided one becomes.
    package var recordsPerDividedBatch = 1
    /// "Nothing is at work" and "nothing waits" are one read.
    package var finalizeReadsOnce = true

    package init() {}
}
