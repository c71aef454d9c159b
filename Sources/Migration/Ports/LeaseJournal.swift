/// What a runner holds, noted where the next runner of the same host finds it, should this one be killed.
///
/// It only saves waiting: without it, or with one that has lost everything, leases run out by themselves. So nothing here
/// throws; an implementation warns people in its own way. A note must never name an attempt that this runner did not have.
package protocol LeaseJournal: Sendable {
    /// Notes a claim, in place of an earlier note with the same claim id; once it returns, a kill does not undo it.
    func note(_ claim: NotedClaim, of job: JobMark) async

    /// Strikes a claim out: there is nothing any more that somebody else would have to end.
    func strike(_ claimID: String) async

    /// Ends the journal of this runner; claims that are still noted are left behind for the next one.
    func close() async

    /// Takes over what dead runners have left behind in a job; nobody else is given the same until `settle`.
    ///
    /// - Returns: their claims; empty also where nothing can be read.
    func leftBehind(in job: JobMark) async -> [NotedClaim]

    /// Ends the take-over.
    ///
    /// - Parameter isDone: whether everything was ended; if not, it stays noted for the next runner.
    func settle(isDone: Bool) async
}

/// A claim as it is noted: before it is sent, and again when it was answered.
package struct NotedClaim: Codable, Sendable, Equatable {
    /// What the store answered.
    package struct Attempt: Codable, Sendable, Equatable {
        package let batch: Int
        package let attempt: Int
        /// Records of the batch: who ends the attempt has to say how many failed.
        package let records: Int

        package init(batch: Int, attempt: Int, records: Int) {
            self.batch = batch
            self.attempt = attempt
            self.records = records
        }
    }

    /// Chosen by the client.
    package let claimID: String
    /// Nil while the claim is not answered.
    package let attempt: Attempt?

    package init(claimID: String, attempt: Attempt?) {
        self.claimID = claimID
        self.attempt = attempt
    }
}

/// Tells a job from every other, also from one with the same number in another store.
package struct JobMark: Codable, Sendable, Equatable {
    package let target: String
    package let id: JobID
    package let createdAt: String

    package init(target: String, id: JobID, createdAt: String) {
        self.target = target
        self.id = id
        self.createdAt = createdAt
    }

    package init(_ job: JobSummary) { self.init(target: job.targetKey, id: job.id, createdAt: job.createdAt) }
}

/// Notes nothing: the leases of a runner that is killed run out by themselves.
package struct NoLeaseJournal: LeaseJournal {
    package init() {}
    package func note(_ claim: NotedClaim, of job: JobMark) async {}
    package func strike(_ claimID: String) async {}
    package func close() async {}
    package func leftBehind(in job: JobMark) async -> [NotedClaim] { [] }
    package func settle(isDone: Bool) async {}
}
