/// Job tracking: one method a function of the contract (`docs/tracking.md`).
///
/// Expected outcomes (`lost`, `duplicate`, `not_ready`, …) are values in the answer. Repeating any call with the same
/// identity is harmless. An implementation does not try again by itself.
///
/// Every method throws `unavailable` (also for contention), `outcomeUnknown` when the answer was lost, `throttled`,
/// `unauthorised` for keys and grants, `rejected` for a caller's bug or missing SQL, `cancelled`.
package protocol JobStore: Sendable {
    /// `SchemaVersion`.
    func schemaVersion(_ call: SchemaVersion) async throws(PortFailure) -> SchemaVersion.Answer
    /// `OpenIngestionJob`.
    func openJob(_ call: OpenIngestionJob) async throws(PortFailure) -> OpenIngestionJob.Answer
    /// `JoinIngestionJob`.
    func joinJob(_ call: JoinIngestionJob) async throws(PortFailure) -> JoinIngestionJob.Answer
    /// `AddIngestionServers`.
    func addServers(_ call: AddIngestionServers) async throws(PortFailure) -> AddIngestionServers.Answer
    /// `RenewController`.
    func renewController(_ call: RenewController) async throws(PortFailure) -> RenewController.Answer
    /// `AppendIngestionBatches`.
    func appendBatches(_ call: AppendIngestionBatches) async throws(PortFailure) -> AppendIngestionBatches.Answer
    /// `SealIngestionPlan`.
    func sealPlan(_ call: SealIngestionPlan) async throws(PortFailure) -> SealIngestionPlan.Answer
    /// `ClaimNextBatch`.
    func claim(_ call: ClaimNextBatch) async throws(PortFailure) -> ClaimNextBatch.Answer
    /// `BumpBatchProgress`.
    func heartbeat(_ call: BumpBatchProgress) async throws(PortFailure) -> BumpBatchProgress.Answer
    /// `FinishBatch`.
    func finish(_ call: FinishBatch) async throws(PortFailure) -> FinishBatch.Answer
    /// `ResetStuckBatches`.
    func resetStuck(_ call: ResetStuckBatches) async throws(PortFailure) -> ResetStuckBatches.Answer
    /// `GetIngestionJobStats`.
    func stats(_ call: GetIngestionJobStats) async throws(PortFailure) -> GetIngestionJobStats.Answer
    /// `GetIngestionJobStatsExact`.
    func exactStats(_ call: GetIngestionJobStatsExact) async throws(PortFailure) -> GetIngestionJobStatsExact.Answer
    /// `ControlIngestionJob`.
    func control(_ call: ControlIngestionJob) async throws(PortFailure) -> ControlIngestionJob.Answer
    /// `FinalizeIngestionJob`.
    func finalize(_ call: FinalizeIngestionJob) async throws(PortFailure) -> FinalizeIngestionJob.Answer
    /// `ReleaseIngestionBatches`.
    func release(_ call: ReleaseIngestionBatches) async throws(PortFailure) -> ReleaseIngestionBatches.Answer
    /// `RecountIngestionJob`.
    func recount(_ call: RecountIngestionJob) async throws(PortFailure) -> RecountIngestionJob.Answer
    /// `RequeueFailedBatches`.
    func requeueBatches(_ call: RequeueFailedBatches) async throws(PortFailure) -> RequeueFailedBatches.Answer
    /// `RequeueFailedRecords`.
    func requeueRecords(_ call: RequeueFailedRecords) async throws(PortFailure) -> RequeueFailedRecords.Answer
    /// `ReserveQuota`.
    func reserveQuota(_ call: ReserveQuota) async throws(PortFailure) -> ReserveQuota.Answer
    /// `ReportQuota`.
    func reportQuota(_ call: ReportQuota) async throws(PortFailure) -> ReportQuota.Answer
    /// `ListIngestionQuotas`.
    func quotas(_ call: ListIngestionQuotas) async throws(PortFailure) -> ListIngestionQuotas.Answer
    /// `ResetIngestionQuota`.
    func resetQuota(_ call: ResetIngestionQuota) async throws(PortFailure) -> ResetIngestionQuota.Answer
    /// `ListIngestionJobs`.
    func jobs(_ call: ListIngestionJobs) async throws(PortFailure) -> ListIngestionJobs.Answer
    /// `ListIngestionBatches`.
    func batches(_ call: ListIngestionBatches) async throws(PortFailure) -> ListIngestionBatches.Answer
    /// `ListIngestionFailures`.
    func failures(_ call: ListIngestionFailures) async throws(PortFailure) -> ListIngestionFailures.Answer
    /// `ListIngestionEvents`.
    func events(_ call: ListIngestionEvents) async throws(PortFailure) -> ListIngestionEvents.Answer
    /// `ReportRunner`.
    func reportRunner(_ call: ReportRunner) async throws(PortFailure) -> ReportRunner.Answer
    /// `ListIngestionRunners`.
    func runners(_ call: ListIngestionRunners) async throws(PortFailure) -> ListIngestionRunners.Answer
    /// `DeleteIngestionJob`.
    func deleteJob(_ call: DeleteIngestionJob) async throws(PortFailure) -> DeleteIngestionJob.Answer
    /// `DeleteIngestionEvents`.
    func deleteEvents(_ call: DeleteIngestionEvents) async throws(PortFailure) -> DeleteIngestionEvents.Answer
    /// `ListIngestionRetention`.
    func retention(_ call: ListIngestionRetention) async throws(PortFailure) -> ListIngestionRetention.Answer
    /// `GetIngestionJobRows`.
    func countRows(_ call: GetIngestionJobRows) async throws(PortFailure) -> GetIngestionJobRows.Answer
}
