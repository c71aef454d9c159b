import Migration

/// A call that the store answers within one transaction.
protocol SQLiteCall: TrackingCall {
    /// Whether it changes nothing: then it does not wait for a writer, and none waits for it.
    static var onlyReads: Bool { get }
    /// Does it; an error undoes everything.
    func answer(in transaction: SQLiteTransaction) throws -> Answer
}

extension SQLiteCall {
    static var onlyReads: Bool { false }
}

extension SchemaVersion: SQLiteCall {
    static var onlyReads: Bool { true }

    /// The calls are those of the tracking SQL of this version.
    func answer(in transaction: SQLiteTransaction) throws -> Answer {
        Answer(version: TrackingContract.version, minClient: 2)
    }
}

// MARK: Planning

extension OpenIngestionJob: SQLiteCall {
    func answer(in transaction: SQLiteTransaction) throws -> Answer { try transaction.open(self) }
}

extension JoinIngestionJob: SQLiteCall {
    func answer(in transaction: SQLiteTransaction) throws -> Answer { try transaction.join(self) }
}

extension AddIngestionServers: SQLiteCall {
    func answer(in transaction: SQLiteTransaction) throws -> Answer { try transaction.addServers(self) }
}

extension RenewController: SQLiteCall {
    func answer(in transaction: SQLiteTransaction) throws -> Answer { try transaction.renew(self) }
}

extension AppendIngestionBatches: SQLiteCall {
    func answer(in transaction: SQLiteTransaction) throws -> Answer { try transaction.append(self) }
}

extension SealIngestionPlan: SQLiteCall {
    func answer(in transaction: SQLiteTransaction) throws -> Answer { try transaction.seal(self) }
}

// MARK: Work

extension ClaimNextBatch: SQLiteCall {
    func answer(in transaction: SQLiteTransaction) throws -> Answer { try transaction.claim(self) }
}

extension BumpBatchProgress: SQLiteCall {
    func answer(in transaction: SQLiteTransaction) throws -> Answer { try transaction.heartbeat(self) }
}

extension FinishBatch: SQLiteCall {
    func answer(in transaction: SQLiteTransaction) throws -> Answer { try transaction.finish(self) }
}

extension ResetStuckBatches: SQLiteCall {
    func answer(in transaction: SQLiteTransaction) throws -> Answer { try transaction.resetStuck(self) }
}

// MARK: Operation

extension GetIngestionJobStats: SQLiteCall {
    static var onlyReads: Bool { true }
    func answer(in transaction: SQLiteTransaction) throws -> Answer { try transaction.stats(job) }
}

extension GetIngestionJobStatsExact: SQLiteCall {
    static var onlyReads: Bool { true }
    func answer(in transaction: SQLiteTransaction) throws -> Answer { try transaction.exactStats(job) }
}

extension ControlIngestionJob: SQLiteCall {
    func answer(in transaction: SQLiteTransaction) throws -> Answer { try transaction.control(self) }
}

extension FinalizeIngestionJob: SQLiteCall {
    func answer(in transaction: SQLiteTransaction) throws -> Answer { try transaction.finalize(self) }
}

extension ReleaseIngestionBatches: SQLiteCall {
    func answer(in transaction: SQLiteTransaction) throws -> Answer { try transaction.release(self) }
}

extension RecountIngestionJob: SQLiteCall {
    func answer(in transaction: SQLiteTransaction) throws -> Answer { try transaction.recount(self) }
}

extension RequeueFailedBatches: SQLiteCall {
    func answer(in transaction: SQLiteTransaction) throws -> Answer { try transaction.requeue(self) }
}

extension RequeueFailedRecords: SQLiteCall {
    func answer(in transaction: SQLiteTransaction) throws -> Answer { try transaction.requeue(self) }
}

// MARK: Quota and runners

extension ReserveQuota: SQLiteCall {
    func answer(in transaction: SQLiteTransaction) throws -> Answer { try transaction.reserve(self) }
}

extension ReportQuota: SQLiteCall {
    func answer(in transaction: SQLiteTransaction) throws -> Answer { try transaction.report(self) }
}

extension ListIngestionQuotas: SQLiteCall {
    static var onlyReads: Bool { true }
    func answer(in transaction: SQLiteTransaction) throws -> Answer { try transaction.list(self) }
}

extension ResetIngestionQuota: SQLiteCall {
    func answer(in transaction: SQLiteTransaction) throws -> Answer { try transaction.reset(self) }
}

extension ReportRunner: SQLiteCall {
    func answer(in transaction: SQLiteTransaction) throws -> Answer { try transaction.report(self) }
}

extension ListIngestionRunners: SQLiteCall {
    static var onlyReads: Bool { true }
    func answer(in transaction: SQLiteTransaction) throws -> Answer { try transaction.list(self) }
}

// MARK: Lists and retention

extension ListIngestionJobs: SQLiteCall {
    static var onlyReads: Bool { true }
    func answer(in transaction: SQLiteTransaction) throws -> Answer { try transaction.list(self) }
}

extension ListIngestionBatches: SQLiteCall {
    static var onlyReads: Bool { true }
    func answer(in transaction: SQLiteTransaction) throws -> Answer { try transaction.list(self) }
}

extension ListIngestionFailures: SQLiteCall {
    static var onlyReads: Bool { true }
    func answer(in transaction: SQLiteTransaction) throws -> Answer { try transaction.list(self) }
}

extension ListIngestionEvents: SQLiteCall {
    static var onlyReads: Bool { true }
    func answer(in transaction: SQLiteTransaction) throws -> Answer { try transaction.list(self) }
}

extension DeleteIngestionJob: SQLiteCall {
    func answer(in transaction: SQLiteTransaction) throws -> Answer { try transaction.delete(self) }
}

extension DeleteIngestionEvents: SQLiteCall {
    func answer(in transaction: SQLiteTransaction) throws -> Answer { try transaction.delete(self) }
}

extension ListIngestionRetention: SQLiteCall {
    static var onlyReads: Bool { true }
    func answer(in transaction: SQLiteTransaction) throws -> Answer { try transaction.list(self) }
}

extension GetIngestionJobRows: SQLiteCall {
    static var onlyReads: Bool { true }
    func answer(in transaction: SQLiteTransaction) throws -> Answer { try transaction.countRows(self) }
}
