/// Job tracking: the functions of the contract (`docs/tracking.md`), each called with its value.
///
/// Expected outcomes (`lost`, `duplicate`, `not_ready`, …) are values in the answer. Repeating any call with the same
/// identity is harmless. An implementation does not repeat calls by itself.
package protocol JobStore: Sendable {
    /// Calls one function once.
    ///
    /// - Throws: `unavailable` (also for contention), `outcomeUnknown` when the answer was lost, `throttled`,
    ///   `unauthorised` for keys and grants, `rejected` for a mistake of the caller or missing SQL, `cancelled`.
    func perform<Call: TrackingCall>(_ call: Call) async throws(PortFailure) -> Call.Answer
}

// The same functions by purpose.
extension JobStore {
    package func schemaVersion(_ call: SchemaVersion) async throws(PortFailure) -> SchemaVersion.Answer {
        try await perform(call)
    }

    package func openJob(_ call: OpenIngestionJob) async throws(PortFailure) -> OpenIngestionJob.Answer {
        try await perform(call)
    }

    package func joinJob(_ call: JoinIngestionJob) async throws(PortFailure) -> JoinIngestionJob.Answer {
        try await perform(call)
    }

    package func addServers(_ call: AddIngestionServers) async throws(PortFailure) -> AddIngestionServers.Answer {
        try await perform(call)
    }

    package func renewController(_ call: RenewController) async throws(PortFailure) -> RenewController.Answer {
        try await perform(call)
    }

    package func appendBatches(
        _ call: AppendIngestionBatches
    ) async throws(PortFailure) -> AppendIngestionBatches.Answer {
        try await perform(call)
    }

    package func sealPlan(_ call: SealIngestionPlan) async throws(PortFailure) -> SealIngestionPlan.Answer {
        try await perform(call)
    }

    package func claim(_ call: ClaimNextBatch) async throws(PortFailure) -> ClaimNextBatch.Answer {
        try await perform(call)
    }

    package func heartbeat(_ call: BumpBatchProgress) async throws(PortFailure) -> BumpBatchProgress.Answer {
        try await perform(call)
    }

    package func finish(_ call: FinishBatch) async throws(PortFailure) -> FinishBatch.Answer {
        try await perform(call)
    }

    package func resetStuck(_ call: ResetStuckBatches) async throws(PortFailure) -> ResetStuckBatches.Answer {
        try await perform(call)
    }

    package func stats(_ call: GetIngestionJobStats) async throws(PortFailure) -> GetIngestionJobStats.Answer {
        try await perform(call)
    }

    package func exactStats(
        _ call: GetIngestionJobStatsExact
    ) async throws(PortFailure) -> GetIngestionJobStatsExact.Answer {
        try await perform(call)
    }

    package func control(_ call: ControlIngestionJob) async throws(PortFailure) -> ControlIngestionJob.Answer {
        try await perform(call)
    }

    package func finalize(_ call: FinalizeIngestionJob) async throws(PortFailure) -> FinalizeIngestionJob.Answer {
        try await perform(call)
    }

    package func release(_ call: ReleaseIngestionBatches) async throws(PortFailure) -> ReleaseIngestionBatches.Answer {
        try await perform(call)
    }

    package func recount(_ call: RecountIngestionJob) async throws(PortFailure) -> RecountIngestionJob.Answer {
        try await perform(call)
    }

    package func requeueBatches(_ call: RequeueFailedBatches) async throws(PortFailure) -> RequeueFailedBatches.Answer {
        try await perform(call)
    }

    package func requeueRecords(_ call: RequeueFailedRecords) async throws(PortFailure) -> RequeueFailedRecords.Answer {
        try await perform(call)
    }

    package func reserveQuota(_ call: ReserveQuota) async throws(PortFailure) -> ReserveQuota.Answer {
        try await perform(call)
    }

    package func reportQuota(_ call: ReportQuota) async throws(PortFailure) -> ReportQuota.Answer {
        try await perform(call)
    }

    package func quotas(_ call: ListIngestionQuotas) async throws(PortFailure) -> ListIngestionQuotas.Answer {
        try await perform(call)
    }

    package func resetQuota(_ call: ResetIngestionQuota) async throws(PortFailure) -> ResetIngestionQuota.Answer {
        try await perform(call)
    }

    package func jobs(_ call: ListIngestionJobs) async throws(PortFailure) -> ListIngestionJobs.Answer {
        try await perform(call)
    }

    package func batches(_ call: ListIngestionBatches) async throws(PortFailure) -> ListIngestionBatches.Answer {
        try await perform(call)
    }

    package func failures(_ call: ListIngestionFailures) async throws(PortFailure) -> ListIngestionFailures.Answer {
        try await perform(call)
    }

    package func events(_ call: ListIngestionEvents) async throws(PortFailure) -> ListIngestionEvents.Answer {
        try await perform(call)
    }

    package func reportRunner(_ call: ReportRunner) async throws(PortFailure) -> ReportRunner.Answer {
        try await perform(call)
    }

    package func runners(_ call: ListIngestionRunners) async throws(PortFailure) -> ListIngestionRunners.Answer {
        try await perform(call)
    }

    package func deleteJob(_ call: DeleteIngestionJob) async throws(PortFailure) -> DeleteIngestionJob.Answer {
        try await perform(call)
    }

    package func deleteEvents(_ call: DeleteIngestionEvents) async throws(PortFailure) -> DeleteIngestionEvents.Answer {
        try await perform(call)
    }

    package func retention(_ call: ListIngestionRetention) async throws(PortFailure) -> ListIngestionRetention.Answer {
        try await perform(call)
    }

    package func countRows(_ call: GetIngestionJobRows) async throws(PortFailure) -> GetIngestionJobRows.Answer {
        try await perform(call)
    }
}
