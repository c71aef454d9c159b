package import Migration

/// A call that the fake knows: what its function locks, and what it does to the tables.
protocol FakeCall: TrackingCall {
    func locks(_ policy: TrackingPolicy) -> LockPlan
    func apply(to tables: inout TrackingTables, _ transaction: Transaction) throws(PortFailure) -> Answer
}

extension FakeCall {
    /// Nothing, as what only reads, and what has one statement.
    func locks(_ policy: TrackingPolicy) -> LockPlan { LockPlan() }
}

extension FakeSupabase {
    package func perform<Call: TrackingCall>(_ call: Call) async throws(PortFailure) -> Call.Answer {
        guard let call = call as? any FakeCall, let answer = try await run(call) as? Call.Answer else {
            throw PortFailure(.rejected, "the fake does not know the function \(Call.function)", code: "42883")
        }
        return answer
    }
}

// MARK: Planning

extension SchemaVersion: FakeCall {
    func apply(to tables: inout TrackingTables, _ transaction: Transaction) throws(PortFailure) -> Answer {
        FakeSupabase.schemaVersion
    }
}

extension OpenIngestionJob: FakeCall {
    func locks(_ policy: TrackingPolicy) -> LockPlan { LockPlan(locks: [(.target(targetKey), .exclusive)]) }

    func apply(to tables: inout TrackingTables, _ transaction: Transaction) throws(PortFailure) -> Answer {
        try tables.open(self, transaction)
    }
}

extension JoinIngestionJob: FakeCall {
    func locks(_ policy: TrackingPolicy) -> LockPlan { LockPlan(locks: [(.jobRow(job), .exclusive)]) }

    func apply(to tables: inout TrackingTables, _ transaction: Transaction) throws(PortFailure) -> Answer {
        try tables.join(self, transaction)
    }
}

extension AddIngestionServers: FakeCall {
    func locks(_ policy: TrackingPolicy) -> LockPlan { LockPlan(locks: [(.jobRow(job), .exclusive)]) }

    func apply(to tables: inout TrackingTables, _ transaction: Transaction) throws(PortFailure) -> Answer {
        try tables.addServers(self)
    }
}

extension RenewController: FakeCall {
    func locks(_ policy: TrackingPolicy) -> LockPlan { LockPlan(locks: [(.jobRow(job), .exclusive)]) }

    func apply(to tables: inout TrackingTables, _ transaction: Transaction) throws(PortFailure) -> Answer {
        try tables.renew(self, transaction)
    }
}

extension AppendIngestionBatches: FakeCall {
    func locks(_ policy: TrackingPolicy) -> LockPlan { LockPlan(locks: [(.jobRow(job), .exclusive)]) }

    func apply(to tables: inout TrackingTables, _ transaction: Transaction) throws(PortFailure) -> Answer {
        try tables.append(self, transaction)
    }
}

extension SealIngestionPlan: FakeCall {
    func locks(_ policy: TrackingPolicy) -> LockPlan { LockPlan(locks: [(.jobRow(job), .exclusive)]) }

    func apply(to tables: inout TrackingTables, _ transaction: Transaction) throws(PortFailure) -> Answer {
        try tables.seal(self, transaction)
    }
}

// MARK: Work

extension ClaimNextBatch: FakeCall {
    func locks(_ policy: TrackingPolicy) -> LockPlan {
        let rows = LockPlan.Rows(
            job: job,
            limit: limit,
            skipsLocked: true,
            locks: policy.claimLocksBatches
        ) { $0.claimCandidates(self, $1) }
        let own = policy.claimLocksItsID ? [(LockKey.claim(claimId), LockMode.exclusive)] : []
        return LockPlan(locks: own + [(.job(job), .shared)], rows: rows)
    }

    func apply(to tables: inout TrackingTables, _ transaction: Transaction) throws(PortFailure) -> Answer {
        try tables.claim(self, transaction)
    }
}

extension BumpBatchProgress: FakeCall {
    func locks(_ policy: TrackingPolicy) -> LockPlan {
        let numbers = Set(items.map(\.batchNumber)).sorted()
        return LockPlan(rows: LockPlan.Rows(job: job, limit: .max, skipsLocked: false) { _, _ in numbers })
    }

    func apply(to tables: inout TrackingTables, _ transaction: Transaction) throws(PortFailure) -> Answer {
        try tables.heartbeat(self, transaction)
    }
}

extension FinishBatch: FakeCall {
    func locks(_ policy: TrackingPolicy) -> LockPlan {
        LockPlan(rows: LockPlan.Rows(job: job, limit: 1, skipsLocked: false) { _, _ in [batchNumber] })
    }

    func apply(to tables: inout TrackingTables, _ transaction: Transaction) throws(PortFailure) -> Answer {
        try tables.finish(self, transaction)
    }
}

extension ResetStuckBatches: FakeCall {
    func locks(_ policy: TrackingPolicy) -> LockPlan {
        LockPlan(rows: LockPlan.Rows(job: job, limit: limit, skipsLocked: true) { $0.stuckBatches(self, $1) })
    }

    func apply(to tables: inout TrackingTables, _ transaction: Transaction) throws(PortFailure) -> Answer {
        try tables.reset(self, transaction)
    }
}

// MARK: Operation

extension GetIngestionJobStats: FakeCall {
    func apply(to tables: inout TrackingTables, _ transaction: Transaction) throws(PortFailure) -> Answer {
        tables.stats(self)
    }
}

extension GetIngestionJobStatsExact: FakeCall {
    func apply(to tables: inout TrackingTables, _ transaction: Transaction) throws(PortFailure) -> Answer {
        tables.exactStats(self)
    }
}

extension ControlIngestionJob: FakeCall {
    func locks(_ policy: TrackingPolicy) -> LockPlan { .exclusively(job) }

    func apply(to tables: inout TrackingTables, _ transaction: Transaction) throws(PortFailure) -> Answer {
        try tables.control(self, transaction)
    }
}

extension FinalizeIngestionJob: FakeCall {
    func locks(_ policy: TrackingPolicy) -> LockPlan {
        let rows = LockPlan.Rows(job: job, limit: .max, skipsLocked: true, locks: false) { tables, _ in
            tables.waitingBatches(of: job)
        }
        return .exclusively(job, policy.finalizeReadsOnce ? nil : rows)
    }

    func apply(to tables: inout TrackingTables, _ transaction: Transaction) throws(PortFailure) -> Answer {
        try tables.finalize(self, transaction)
    }
}

extension ReleaseIngestionBatches: FakeCall {
    func locks(_ policy: TrackingPolicy) -> LockPlan {
        LockPlan(
            rows: LockPlan.Rows(job: job, limit: .max, skipsLocked: false, locks: !dryRun) {
                $0.releasable(self, $1).sorted()
            }
        )
    }

    func apply(to tables: inout TrackingTables, _ transaction: Transaction) throws(PortFailure) -> Answer {
        try tables.release(self, transaction)
    }
}

extension RecountIngestionJob: FakeCall {
    func locks(_ policy: TrackingPolicy) -> LockPlan { .exclusively(job) }

    func apply(to tables: inout TrackingTables, _ transaction: Transaction) throws(PortFailure) -> Answer {
        tables.recount(self, transaction)
    }
}

extension RequeueFailedBatches: FakeCall {
    func locks(_ policy: TrackingPolicy) -> LockPlan {
        .exclusively(
            job,
            .init(job: job, limit: limit, skipsLocked: false) { tables, _ in tables.requeueCandidates(self) }
        )
    }

    func apply(to tables: inout TrackingTables, _ transaction: Transaction) throws(PortFailure) -> Answer {
        try tables.requeue(self, transaction)
    }
}

extension RequeueFailedRecords: FakeCall {
    func locks(_ policy: TrackingPolicy) -> LockPlan {
        let rows = LockPlan.Rows(job: job, limit: .max, skipsLocked: false) { tables, _ in
            Set(tables.requeueCandidates(self).prefix(limit).map(\.batchNumber)).sorted()
        }
        return .exclusively(job, rows)
    }

    func apply(to tables: inout TrackingTables, _ transaction: Transaction) throws(PortFailure) -> Answer {
        try tables.requeue(self, transaction)
    }
}

extension LockPlan {
    /// What changes a job's status: no claim of it is under way meanwhile.
    static func exclusively(_ job: JobID, _ rows: Rows? = nil) -> Self {
        Self(locks: [(.job(job), .exclusive), (.jobRow(job), .exclusive)], rows: rows)
    }
}
