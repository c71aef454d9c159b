package import Migration

// What is seen of a whole job from outside, beside what its tables show.

/// One look at an attempt of a worker that lives: I23.
package struct AttemptLook: Sendable {
    /// No pause of before the end of all faults lasts longer.
    private static let settledAfter: Int64 = 130_000_000_000

    private let batch: Int
    private let worker: String
    private let records: Int
    private let claimed: Int64

    package init(batch: Int, worker: String, records: Int, claimed: Int64) {
        self.batch = batch
        self.worker = worker
        self.records = records
        self.claimed = claimed
    }

    /// I23: attempts that have begun when all waits of before were over take as long as their requests, and some time for the
    /// rest.
    ///
    /// A text that is refused is found by halves. The embedder takes `latency` for a request.
    package func finding(at now: Int64, healedAt: Int64, latency: Duration) -> Finding? {
        guard now > healedAt, claimed > healedAt + Self.settledAfter else { return nil }
        let most = latency * (2 * records + 1) + .seconds(60)
        let age = Duration.nanoseconds(now - claimed)
        return age > most
            ? Finding(23, "\(worker) works on batch \(batch) for \(age), \(most) would do") : nil
    }
}

/// What the brakes of a job have counted since it was last resumed: I30.
package struct BrakeLook: Sendable {
    private let job: JobID
    private let limits: BrakeLimits
    private let atHand: Int64

    /// Records done, whatever became of them.
    package var done: Int64 = 0
    /// Records that were given up for nothing of their own.
    package var failures: Int64 = 0
    /// Records that have lost their points; nil where any number may.
    package var removed: Int64?

    /// The workers may have had `atHand` records in their hands when a brake took hold.
    package init(of job: JobID, _ limits: BrakeLimits, atHand: Int64) {
        self.job = job
        self.limits = limits
        self.atHand = atHand
    }

    /// I30: what the brakes admit, and what the other workers may have had in their hands.
    package var finding: Finding? {
        if let most = limits.failuresMax, failures > Int64(most) + atHand {
            return Finding(30, "job \(job) goes on after \(failures) records were given up for nothing of their own")
        }
        guard let removed, removed > max(limits.removalsMin, done / BrakeLimits.share) + atHand else { return nil }
        return Finding(30, "job \(job) goes on after \(removed) of \(done) records have lost their points")
    }
}

/// What the brakes of a job have counted, and from where they count.
package struct BrakeCounts: Sendable {
    private let serviceFailures: Int64
    private let removed: Int64

    package init(serviceFailures: Int64, removed: Int64) {
        self.serviceFailures = serviceFailures
        self.removed = removed
    }

    /// I31: from a resume on the brakes count anew, from no less than what they had counted before it.
    package func breach(byResuming job: JobID, to baselines: BrakeCounts) -> Finding? {
        baselines.serviceFailures < serviceFailures || baselines.removed < removed
            ? Finding(31, "job \(job) was resumed, and its brakes go on counting") : nil
    }
}

/// What is due of a job as a whole.
package enum JobDuties {
    /// I23: the job ends in time once everything is repaired.
    package static func breach(ofEnding job: JobID, _ status: JobStatus, after limit: Duration) -> Finding {
        Finding(23, "job \(job) is \(status.rawValue), \(limit) after the faults have stopped")
    }

    /// I27: a job is opened neither by a process that has one, nor by one that was told to resume one.
    ///
    /// A doubled packet may come when its call was answered long ago, with a job that has ended since. Only such a network opens
    /// a job then; the next process that looks for a job goes on with it. So a process is judged that waits for the answer.
    package static func breach(
        ofOpening job: JobID,
        by process: String,
        mayOpen: Bool,
        isWaiting: Bool
    ) -> Finding? {
        guard !mayOpen, isWaiting else { return nil }
        return Finding(27, "\(process) has opened job \(job), but it had a job to work on")
    }
}
