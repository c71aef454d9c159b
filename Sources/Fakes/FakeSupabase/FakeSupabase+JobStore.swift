package import Migration

extension FakeSupabase {
    package func schemaVersion(_ call: SchemaVersion) async throws(PortFailure) -> SchemaVersion.Answer {
        try await perform(call) { _, _ in Self.schemaVersion }
    }

    package func openJob(_ call: OpenIngestionJob) async throws(PortFailure) -> OpenIngestionJob.Answer {
        try await perform(call, locks: LockPlan(locks: [(.target(call.targetKey), .exclusive)])) {
            tables,
            transaction throws(PortFailure) in try tables.open(call, transaction)
        }
    }

    package func joinJob(_ call: JoinIngestionJob) async throws(PortFailure) -> JoinIngestionJob.Answer {
        try await perform(call, locks: LockPlan(locks: [(.jobRow(call.job), .exclusive)])) {
            tables,
            transaction throws(PortFailure) in try tables.join(call, transaction)
        }
    }

    package func addServers(_ call: AddIngestionServers) async throws(PortFailure) -> AddIngestionServers.Answer {
        try await perform(call, locks: LockPlan(locks: [(.jobRow(call.job), .exclusive)])) {
            tables,
            _ throws(PortFailure) in try tables.addServers(call)
        }
    }

    package func renewController(_ call: RenewController) async throws(PortFailure) -> RenewController.Answer {
        try await perform(call, locks: LockPlan(locks: [(.jobRow(call.job), .exclusive)])) {
            tables,
            transaction throws(PortFailure) in try tables.renew(call, transaction)
        }
    }

    package func appendBatches(
        _ call: AppendIngestionBatches
    ) async throws(PortFailure) -> AppendIngestionBatches.Answer {
        try await perform(call, locks: LockPlan(locks: [(.jobRow(call.job), .exclusive)])) {
            tables,
            transaction throws(PortFailure) in try tables.append(call, transaction)
        }
    }

    package func sealPlan(_ call: SealIngestionPlan) async throws(PortFailure) -> SealIngestionPlan.Answer {
        try await perform(call, locks: LockPlan(locks: [(.jobRow(call.job), .exclusive)])) {
            tables,
            transaction throws(PortFailure) in try tables.seal(call, transaction)
        }
    }

    package func claim(_ call: ClaimNextBatch) async throws(PortFailure) -> ClaimNextBatch.Answer {
        let rows = LockPlan.Rows(
            job: call.job,
            limit: call.limit,
            skipsLocked: true,
            locks: policy.claimLocksBatches
        ) { $0.claimCandidates(call, $1) }
        let own = policy.claimLocksItsID ? [(LockKey.claim(call.claimId), LockMode.exclusive)] : []
        let plan = LockPlan(locks: own + [(.job(call.job), .shared)], rows: rows)
        return try await perform(call, locks: plan) { tables, transaction throws(PortFailure) in
            try tables.claim(call, transaction)
        }
    }

    package func heartbeat(_ call: BumpBatchProgress) async throws(PortFailure) -> BumpBatchProgress.Answer {
        let numbers = Set(call.items.map(\.batchNumber)).sorted()
        let rows = LockPlan.Rows(job: call.job, limit: .max, skipsLocked: false) { _, _ in numbers }
        return try await perform(call, locks: LockPlan(rows: rows)) { tables, transaction throws(PortFailure) in
            try tables.heartbeat(call, transaction)
        }
    }

    package func finish(_ call: FinishBatch) async throws(PortFailure) -> FinishBatch.Answer {
        let rows = LockPlan.Rows(job: call.job, limit: 1, skipsLocked: false) { _, _ in [call.batchNumber] }
        return try await perform(call, locks: LockPlan(rows: rows)) { tables, transaction throws(PortFailure) in
            try tables.finish(call, transaction)
        }
    }

    package func resetStuck(_ call: ResetStuckBatches) async throws(PortFailure) -> ResetStuckBatches.Answer {
        let rows = LockPlan.Rows(job: call.job, limit: call.limit, skipsLocked: true) { $0.stuckBatches(call, $1) }
        return try await perform(call, locks: LockPlan(rows: rows)) { tables, transaction throws(PortFailure) in
            try tables.reset(call, transaction)
        }
    }

    package func stats(_ call: GetIngestionJobStats) async throws(PortFailure) -> GetIngestionJobStats.Answer {
        try await perform(call) { tables, _ in tables.stats(call) }
    }

    package func exactStats(
        _ call: GetIngestionJobStatsExact
    ) async throws(PortFailure) -> GetIngestionJobStatsExact.Answer {
        try await perform(call) { tables, _ in tables.exactStats(call) }
    }

    package func control(_ call: ControlIngestionJob) async throws(PortFailure) -> ControlIngestionJob.Answer {
        try await perform(call, locks: .exclusively(call.job)) { tables, transaction throws(PortFailure) in
            try tables.control(call, transaction)
        }
    }

    package func finalize(_ call: FinalizeIngestionJob) async throws(PortFailure) -> FinalizeIngestionJob.Answer {
        let rows = LockPlan.Rows(job: call.job, limit: .max, skipsLocked: true, locks: false) { tables, _ in
            tables.waitingBatches(of: call.job)
        }
        let plan = LockPlan.exclusively(call.job, policy.finalizeReadsOnce ? nil : rows)
        return try await perform(call, locks: plan) { tables, transaction throws(PortFailure) in
            try tables.finalize(call, transaction)
        }
    }

    package func release(
        _ call: ReleaseIngestionBatches
    ) async throws(PortFailure) -> ReleaseIngestionBatches.Answer {
        let rows = LockPlan.Rows(job: call.job, limit: .max, skipsLocked: false, locks: !call.dryRun) {
            $0.releasable(call, $1).sorted()
        }
        return try await perform(call, locks: LockPlan(rows: rows)) { tables, transaction throws(PortFailure) in
            try tables.release(call, transaction)
        }
    }

    package func recount(_ call: RecountIngestionJob) async throws(PortFailure) -> RecountIngestionJob.Answer {
        try await perform(call, locks: .exclusively(call.job)) { tables, transaction throws(PortFailure) in
            tables.recount(call, transaction)
        }
    }

    package func requeueBatches(
        _ call: RequeueFailedBatches
    ) async throws(PortFailure) -> RequeueFailedBatches.Answer {
        let rows = LockPlan.Rows(job: call.job, limit: call.limit, skipsLocked: false) { tables, _ in
            tables.requeueCandidates(call)
        }
        return try await perform(call, locks: .exclusively(call.job, rows)) { tables, transaction throws(PortFailure) in
            try tables.requeue(call, transaction)
        }
    }

    package func requeueRecords(
        _ call: RequeueFailedRecords
    ) async throws(PortFailure) -> RequeueFailedRecords.Answer {
        let rows = LockPlan.Rows(job: call.job, limit: .max, skipsLocked: false) { tables, _ in
            Set(tables.requeueCandidates(call).prefix(call.limit).map(\.batchNumber)).sorted()
        }
        return try await perform(call, locks: .exclusively(call.job, rows)) { tables, transaction throws(PortFailure) in
            try tables.requeue(call, transaction)
        }
    }

    package func reserveQuota(_ call: ReserveQuota) async throws(PortFailure) -> ReserveQuota.Answer {
        try await perform(call) { tables, transaction throws(PortFailure) in
            try tables.reserve(call, transaction.now)
        }
    }

    package func reportQuota(_ call: ReportQuota) async throws(PortFailure) -> ReportQuota.Answer {
        try await perform(call) { tables, transaction throws(PortFailure) in
            try tables.report(call, transaction.now)
        }
    }

    package func quotas(_ call: ListIngestionQuotas) async throws(PortFailure) -> ListIngestionQuotas.Answer {
        try await perform(call) { tables, transaction throws(PortFailure) in
            try tables.list(call, transaction.now)
        }
    }

    package func resetQuota(_ call: ResetIngestionQuota) async throws(PortFailure) -> ResetIngestionQuota.Answer {
        try await perform(call) { tables, _ in tables.reset(call) }
    }

    package func jobs(_ call: ListIngestionJobs) async throws(PortFailure) -> ListIngestionJobs.Answer {
        try await perform(call) { tables, _ throws(PortFailure) in try tables.list(call) }
    }

    package func batches(_ call: ListIngestionBatches) async throws(PortFailure) -> ListIngestionBatches.Answer {
        try await perform(call) { tables, transaction throws(PortFailure) in
            try tables.list(call, transaction.now)
        }
    }

    package func failures(_ call: ListIngestionFailures) async throws(PortFailure) -> ListIngestionFailures.Answer {
        try await perform(call) { tables, _ throws(PortFailure) in try tables.list(call) }
    }

    package func events(_ call: ListIngestionEvents) async throws(PortFailure) -> ListIngestionEvents.Answer {
        try await perform(call) { tables, _ throws(PortFailure) in try tables.list(call) }
    }

    package func reportRunner(_ call: ReportRunner) async throws(PortFailure) -> ReportRunner.Answer {
        try await perform(call) { tables, transaction throws(PortFailure) in try tables.report(call, transaction.now) }
    }

    package func runners(_ call: ListIngestionRunners) async throws(PortFailure) -> ListIngestionRunners.Answer {
        try await perform(call) { tables, transaction throws(PortFailure) in try tables.list(call, transaction.now) }
    }

    package func deleteJob(_ call: DeleteIngestionJob) async throws(PortFailure) -> DeleteIngestionJob.Answer {
        let rows = LockPlan.Rows(job: call.job, limit: .max, skipsLocked: false) { tables, _ in
            tables.index(of: call.job).map { Array(tables.jobs[$0].batches.indices.suffix(max(0, call.limit))) } ?? []
        }
        return try await perform(call, locks: .exclusively(call.job, rows)) { tables, transaction throws(PortFailure) in
            try tables.delete(call, transaction)
        }
    }

    package func deleteEvents(
        _ call: DeleteIngestionEvents
    ) async throws(PortFailure) -> DeleteIngestionEvents.Answer {
        try await perform(call, locks: .exclusively(call.job)) { tables, transaction throws(PortFailure) in
            try tables.delete(call, transaction)
        }
    }

    package func retention(
        _ call: ListIngestionRetention
    ) async throws(PortFailure) -> ListIngestionRetention.Answer {
        try await perform(call) { tables, transaction throws(PortFailure) in try tables.list(call, transaction) }
    }

    package func countRows(_ call: GetIngestionJobRows) async throws(PortFailure) -> GetIngestionJobRows.Answer {
        try await perform(call) { tables, _ in tables.count(call) }
    }
}

extension LockPlan {
    /// What changes a job's status: no claim of it is under way meanwhile.
    static func exclusively(_ job: JobID, _ rows: Rows? = nil) -> Self {
        Self(locks: [(.job(job), .exclusive), (.jobRow(job), .exclusive)], rows: rows)
    }
}
