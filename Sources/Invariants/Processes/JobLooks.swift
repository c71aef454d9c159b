package import Migration

// What can be seen of a whole job from outside, besides its tables.

/// One observation of an attempt of a living worker: I23.
package struct AttemptLook: Sendable {
    /// All waits that began before the end of the faults are over after this time.
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

    /// I23: an attempt that begins after all such waits are over takes no longer than its requests, plus some time for
    /// everything else.
    ///
    /// A refused text is found by halving the request. The embedder takes `latency` per request.
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

    /// Records that are done, whatever their outcome.
    package var done: Int64 = 0
    /// Records that were given up through no fault of their own.
    package var failures: Int64 = 0
    /// Records that have lost their points; nil = any number may.
    package var removed: Int64?

    /// `atHand` is the number of records that the workers may have had at work when a brake took hold.
    package init(of job: JobID, _ limits: BrakeLimits, atHand: Int64) {
        self.job = job
        self.limits = limits
        self.atHand = atHand
    }

    /// I30: the brakes' limit, and what the other workers may have had at work.
    package var finding: Finding? {
        if let most = limits.failuresMax, failures > Int64(most) + atHand {
            return Finding(30, "job \(job) goes on after \(failures) records were given up for nothing of their own")
        }
        guard let removed, removed > max(limits.removalsMin, done / BrakeLimits.share) + atHand else { return nil }
        return Finding(30, "job \(job) goes on after \(removed) of \(done) records have lost their points")
    }
}

/// The counters of a job's brakes, and the baselines from which they count.
package struct BrakeCounts: Sendable {
    private let serviceFailures: Int64
    private let removed: Int64

    package init(serviceFailures: Int64, removed: Int64) {
        self.serviceFailures = serviceFailures
        self.removed = removed
    }

    /// I31: after a resume the brakes count from zero, with baselines not below the counters before it.
    package func breach(byResuming job: JobID, to baselines: BrakeCounts) -> Finding? {
        baselines.serviceFailures < serviceFailures || baselines.removed < removed
            ? Finding(31, "job \(job) was resumed, and its brakes go on counting") : nil
    }
}

/// The obligations of a job as a whole.
package enum JobDuties {
    /// I23: the job ends in time after all faults have ended.
    package static func breach(ofEnding job: JobID, _ status: JobStatus, after limit: Duration) -> Finding {
        Finding(23, "job \(job) is \(status.rawValue), \(limit) after the faults have stopped")
    }

    /// I27: a process opens no job if it already has one or was told to resume one.
    ///
    /// A doubled packet may arrive long after its call was answered, when the job has ended. Only such a network opens
    /// a job then, and the next process that looks for a job continues it. So only a process that still waits for the
    /// answer is judged.
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
