package import Migration

/// A call that the fake supports: what its function locks, and what it does to the tables.
package protocol FakeCall: TrackingCall {
    /// What its function locks.
    func locks(_ policy: TrackingPolicy) -> LockPlan
    /// What its function does to the tables.
    func apply(to tables: inout TrackingTables, _ transaction: Transaction) throws(PortFailure) -> Answer
}

extension FakeCall {
    /// No locks: for functions that only read, or that have one statement.
    package func locks(_ policy: TrackingPolicy) -> LockPlan { LockPlan() }
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
    package func apply(to tables: inout TrackingTables, _ transaction: Transaction) throws(PortFailure) -> Answer {
        FakeSupabase.schemaVersion
    }
}

extension OpenIngestionJob: FakeCall {
    package func locks(_ policy: TrackingPolicy) -> LockPlan { LockPlan(locks: [(.target(targetKey), .exclusive)]) }

    package func apply(to tables: inout TrackingTables, _ transaction: Transaction) throws(PortFailure) -> Answer {
        try tables.open(self, transaction)
    }
}

extension JoinIngestionJob: FakeCall {
    package func locks(_ policy: TrackingPolicy) -> LockPlan { LockPlan(locks: [(.jobRow(job), .exclusive)]) }

    package func apply(to tables: inout TrackingTables, _ transaction: Transaction) throws(PortFailure) -> Answer {
        try tables.join(self, transaction)
    }
}

extension AddIngestionServers: FakeCall {
    package func locks(_ policy: TrackingPolicy) -> LockPlan { LockPlan(locks: [(.jobRow(job), .exclusive)]) }

    package func apply(to tables: inout TrackingTables, _ transaction: Transaction) throws(PortFailure) -> Answer {
        try tables.addServers(self)
    }
}

extension RenewController: FakeCall {
    package func locks(_ policy: TrackingPolicy) -> LockPlan { LockPlan(locks: [(.jobRow(job), .exclusive)]) }

    package func apply(to tables: inout TrackingTables, _ transaction: Transaction) throws(PortFailure) -> Answer {
        try tables.renew(self, transaction)
    }
}

extension AppendIngestionBatches: FakeCall {
    package func locks(_ policy: TrackingPolicy) -> LockPlan { LockPlan(locks: [(.jobRow(job), .exclusive)]) }

    package func apply(to tables: inout TrackingTables, _ transaction: Transaction) throws(PortFailure) -> Answer {
        try tables.append(self, transaction)
    }
}

extension SealIngestionPlan: FakeCall {
    package func locks(_ policy: TrackingPolicy) -> LockPlan { LockPlan(locks: [(.jobRow(job), .exclusive)]) }

    package func apply(to tables: inout TrackingTables, _ transaction: Transaction) throws(PortFailure) -> Answer {
        try tables.seal(self, transaction)
    }
}

// MARK: Work

extension ClaimNextBatch: FakeCall {
    package func locks(_ policy: TrackingPolicy) -> LockPlan {
        let rows = LockPlan.Rows(
            job: job,
            limit: limit,
            skipsLocked: true,
            locks: policy.claimLocksBatches
        ) { $0.claimCandidates(self, $1) }
        let own = policy.claimLocksItsID ? [(LockKey.claim(claimId), LockMode.exclusive)] : []
        return LockPlan(locks: own + [(.job(job), .shared)], rows: rows)
    }

    package func apply(to tables: inout TrackingTables, _ transaction: Transaction) throws(PortFailure) -> Answer {
        try tables.claim(self, transaction)
    }
}

extension BumpBatchProgress: FakeCall {
    package func locks(_ policy: TrackingPolicy) -> LockPlan {
        let numbers = Set(items.map(\.batchNumber)).sorted()
        return LockPlan(rows: LockPlan.Rows(job: job, limit: .max, skipsLocked: false) { _, _ in numbers })
    }

    package func apply(to tables: inout TrackingTables, _ transaction: Transaction) throws(PortFailure) -> Answer {
        try tables.heartbeat(self, transaction)
    }
}

extension FinishBatch: FakeCall {
    package func locks(_ policy: TrackingPolicy) -> LockPlan {
        LockPlan(rows: LockPlan.Rows(job: job, limit: 1, skipsLocked: false) { _, _ in [batchNumber] })
    }

    package func apply(to tables: inout TrackingTables, _ transaction: Transaction) throws(PortFailure) -> Answer {
        try tables.finish(self, transaction)
    }
}

extension ResetStuckBatches: FakeCall {
    package func locks(_ policy: TrackingPolicy) -> LockPlan {
        LockPlan(rows: LockPlan.Rows(job: job, limit: limit, skipsLocked: true) { $0.stuckBatches(self, $1) })
    }

    package func apply(to tables: inout TrackingTables, _ transaction: Transaction) throws(PortFailure) -> Answer {
        try tables.reset(self, transaction)
    }
}

// MARK: Operation

extension GetIngestionJobStats: FakeCall {
    package func apply(to tables: inout TrackingTables, _ transaction: Transaction) throws(PortFailure) -> Answer {
        tables.stats(self)
    }
}

extension GetIngestionJobStatsExact: FakeCall {
    package func apply(to tables: inout TrackingTables, _ transaction: Transaction) throws(PortFailure) -> Answer {
        tables.exactStats(self)
    }
}

extension ControlIngestionJob: FakeCall {
    package func locks(_ policy: TrackingPolicy) -> LockPlan { .exclusively(job) }

    package func apply(to tables: inout TrackingTables, _ transaction: Transaction) throws(PortFailure) -> Answer {
        try tables.control(self, transaction)
    }
}

extension FinalizeIngestionJob: FakeCall {
    package func locks(_ policy: TrackingPolicy) -> LockPlan {
        let rows = LockPlan.Rows(job: job, limit: .max, skipsLocked: true, locks: false) { tables, _ in
            tables.waitingBatches(of: job)
        }
        return .exclusively(job, policy.finalizeReadsOnce ? nil : rows)
    }

    package func apply(to tables: inout TrackingTables, _ transaction: Transaction) throws(PortFailure) -> Answer {
        try tables.finalize(self, transaction)
    }
}

extension ReleaseIngestionBatches: FakeCall {
    package func locks(_ policy: TrackingPolicy) -> LockPlan {
        LockPlan(
            rows: LockPlan.Rows(job: job, limit: .max, skipsLocked: false, locks: !dryRun) {
                $0.releasable(self, $1).sorted()
            }
        )
    }

    package func apply(to tables: inout TrackingTables, _ transaction: Transaction) throws(PortFailure) -> Answer {
        try tables.release(self, transaction)
    }
}

extension RecountIngestionJob: FakeCall {
    package func locks(_ policy: TrackingPolicy) -> LockPlan { .exclusively(job) }

    package func apply(to tables: inout TrackingTables, _ transaction: Transaction) throws(PortFailure) -> Answer {
        tables.recount(self, transaction)
    }
}

extension RequeueFailedBatches: FakeCall {
    package func locks(_ policy: TrackingPolicy) -> LockPlan {
        .exclusively(
            job,
            .init(job: job, limit: limit, skipsLocked: false) { tables, _ in tables.requeueCandidates(self) }
        )
    }

    package func apply(to tables: inout TrackingTables, _ transaction: Transaction) throws(PortFailure) -> Answer {
        try tables.requeue(self, transaction)
    }
}

extension RequeueFailedRecords: FakeCall {
    package func locks(_ policy: TrackingPolicy) -> LockPlan {
        let rows = LockPlan.Rows(job: job, limit: .max, skipsLocked: false) { tables, _ in
            Set(tables.requeueCandidates(self).prefix(limit).map(\.batchNumber)).sorted()
        }
        return .exclusively(job, rows)
    }

    package func apply(to tables: inout TrackingTables, _ transaction: Transaction) throws(PortFailure) -> Answer {
        try tables.requeue(self, transaction)
    }
}

extension LockPlan {
    /// For a function that changes a job's status: no claim on the job runs at the same time.
    static func exclusively(_ job: JobID, _ rows: Rows? = nil) -> Self {
        Self(locks: [(.job(job), .exclusive), (.jobRow(job), .exclusive)], rows: rows)
    }
}
