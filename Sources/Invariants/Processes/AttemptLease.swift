package import Migration

/// The attempt under which a process works on a record, according to the store.
package struct AttemptLease: Sendable {
    package let claimed: Int64
    package let leaseEnd: Int64

    package init(claimed: Int64, leaseEnd: Int64) {
        self.claimed = claimed
        self.leaseEnd = leaseEnd
    }

    /// I20: no external write begins outside a lease.
    package static func breach(
        _ lease: AttemptLease?,
        byWriting record: RecordID,
        _ process: String,
        at now: Int64
    ) -> Finding? {
        guard let lease else { return Finding(20, "\(process) writes record \(record) without a lease") }
        return lease.leaseEnd < now ? Finding(20, "\(process) writes record \(record) after its lease") : nil
    }

    /// I5: no lease outlives its deadline.
    package static func breach(of batch: Int, leaseEnd: DatabaseTime?, deadline: DatabaseTime?) -> Finding? {
        guard let leaseEnd, let deadline, deadline < leaseEnd else { return nil }
        return Finding(5, "the lease of batch \(batch) reaches beyond its deadline")
    }

    /// I25: the batch of a dead worker can be claimed again within 1.25 leases and 20 s; checked only while no fault is
    /// active.
    package static func breach(
        of batch: Int,
        heldAt now: Int64,
        leaseEnd: Int64,
        lease: Duration,
        healedAt: Int64
    ) -> Finding? {
        guard now > healedAt + (lease * 1.25 + .seconds(20)).nanoseconds,
            now > leaseEnd + (lease / 4 + .seconds(22)).nanoseconds
        else { return nil }
        return Finding(25, "batch \(batch) is still held, its lease ended \(Duration.nanoseconds(now - leaseEnd)) ago")
    }
}

/// One attempt at one batch.
package struct AttemptName: Hashable, Sendable {
    package let job: JobID
    package let batch: Int
    package let attempt: Int

    package init(job: JobID, batch: Int, attempt: Int) {
        self.job = job
        self.batch = batch
        self.attempt = attempt
    }
}

/// I10: a row's counts are not higher than the highest that its attempt has reported.
package struct ProgressHistory: Sendable {
    /// The highest number of done records that an attempt has reported.
    private var said: [AttemptName: Int] = [:]

    package init() {}

    /// A heartbeat has reported this; the row counts `known` now, or nil if the batch is not at work under this
    /// attempt.
    package mutating func wasSaid(_ item: HeartbeatItem, of job: JobID, known: Int?) -> Finding? {
        let attempt = AttemptName(job: job, batch: item.batchNumber, attempt: item.attempt)
        let most = max(said[attempt] ?? 0, item.counts.total)
        said[attempt] = most
        guard let known, known > most else { return nil }
        return Finding(10, "batch \(item.batchNumber) counts \(known) records, its worker \(most)")
    }
}
