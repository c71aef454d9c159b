/// What a runner holds, noted where the next runner of the same host finds it, should this one be killed.
///
/// It only saves waiting: without it, or with one that has lost everything, leases run out by themselves. So nothing here
/// throws; an implementation warns people in its own way. A note must never name an attempt that this runner did not have.
package protocol LeaseJournal: Sendable {
    /// Notes a claim or a token, in place of an earlier note of it; once it returns, a kill does not undo it.
    func note(_ note: LeaseNote, of job: JobMark) async

    /// Strikes it out: there is nothing any more that somebody else would have to end.
    func strike(_ token: String) async

    /// Ends the journal of this runner; what is still noted is left behind for the next one.
    func close() async

    /// Takes over what dead runners have left behind in a job; nobody else is given the same until `settle`.
    ///
    /// - Returns: their notes; empty also where nothing can be read.
    func leftBehind(in job: JobMark) async -> [LeaseNote]

    /// Ends the take-over.
    ///
    /// - Parameter isDone: whether everything was ended; if not, it stays noted for the next runner.
    func settle(isDone: Bool) async
}

/// What is noted: a claim, before it is sent and again when it was answered; or the token of the runner as a controller.
package struct LeaseNote: Codable, Sendable, Equatable {
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

    /// Chosen by the client: the claim's id, or the controller's token.
    package let token: String
    /// Nil while the claim is not answered.
    package let attempt: Attempt?
    /// Whether it is the token of a controller: whoever has it may go on planning at once.
    package let isControl: Bool

    package init(token: String, attempt: Attempt?, isControl: Bool = false) {
        self.token = token
        self.attempt = attempt
        self.isControl = isControl
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
    package func note(_ note: LeaseNote, of job: JobMark) async {}
    package func strike(_ token: String) async {}
    package func close() async {}
    package func leftBehind(in job: JobMark) async -> [LeaseNote] { [] }
    package func settle(isDone: Bool) async {}
}
