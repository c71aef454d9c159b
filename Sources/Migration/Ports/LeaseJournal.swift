/// Notes what a runner holds, so that the next runner on the same host finds it if this one is killed.
///
/// It only saves waiting: without it, or after it has lost everything, leases run out by themselves. So nothing here
/// throws; an implementation warns people in its own way. A note must never name an attempt that this runner did not
/// have.
package protocol LeaseJournal: Sendable {
    /// Notes a claim or a token, replacing an earlier note of it; once it returns, the note survives a kill.
    func note(_ note: LeaseNote, of job: JobMark) async

    /// Removes a note: no other runner needs to end anything for it any more.
    func strike(_ token: String) async

    /// Ends the journal of this runner; the remaining notes are left for the next one.
    func close() async

    /// Takes over the notes that dead runners have left for a job; no other runner gets the same notes until `settle`.
    ///
    /// - Returns: their notes; also empty if nothing can be read.
    func leftBehind(in job: JobMark) async -> [LeaseNote]

    /// Ends the take-over.
    ///
    /// - Parameter isDone: whether everything was ended; if not, the notes stay for the next runner.
    func settle(isDone: Bool) async
}

/// A note: of a claim, before it is sent and again when it was answered; or of the token of the runner as a controller.
package struct LeaseNote: Codable, Sendable, Equatable {
    /// The answer of the store.
    package struct Attempt: Codable, Sendable, Equatable {
        package let batch: Int
        package let attempt: Int
        /// Records of the batch: the caller that ends the attempt has to say how many failed.
        package let records: Int

        package init(batch: Int, attempt: Int, records: Int) {
            self.batch = batch
            self.attempt = attempt
            self.records = records
        }
    }

    /// Chosen by the client: the claim id, or the controller's token.
    package let token: String
    /// Nil as long as the claim is not answered.
    package let attempt: Attempt?
    /// Whether it is the token of a controller: a runner that has it may go on planning at once.
    package let isControl: Bool

    package init(token: String, attempt: Attempt?, isControl: Bool = false) {
        self.token = token
        self.attempt = attempt
        self.isControl = isControl
    }
}

/// Tells a job apart from every other one, also from a job with the same number in another store.
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

/// Notes nothing: after a kill, the leases of a runner run out by themselves.
package struct NoLeaseJournal: LeaseJournal {
    package init() {}
    package func note(_ note: LeaseNote, of job: JobMark) async {}
    package func strike(_ token: String) async {}
    package func close() async {}
    package func leftBehind(in job: JobMark) async -> [LeaseNote] { [] }
    package func settle(isDone: Bool) async {}
}
