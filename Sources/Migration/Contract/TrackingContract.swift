/// The functions of the contract by name: the only complete list.
///
/// Tests compare it with the grants in `sql/` and with the calls in this folder.
package enum TrackingContract {
    /// The version of the contract for which this program is written; `schema_version` in `sql/012_access.sql`.
    package static let version = 4

    package static let calls: [any TrackingCall.Type] = [
        SchemaVersion.self,
        OpenIngestionJob.self,
        JoinIngestionJob.self,
        AddIngestionServers.self,
        RenewController.self,
        AppendIngestionBatches.self,
        SealIngestionPlan.self,
        ClaimNextBatch.self,
        BumpBatchProgress.self,
        FinishBatch.self,
        ResetStuckBatches.self,
        GetIngestionJobStats.self,
        GetIngestionJobStatsExact.self,
        ControlIngestionJob.self,
        FinalizeIngestionJob.self,
        ReleaseIngestionBatches.self,
        RecountIngestionJob.self,
        RequeueFailedBatches.self,
        RequeueFailedRecords.self,
        ReserveQuota.self,
        ReportQuota.self,
        ListIngestionQuotas.self,
        ResetIngestionQuota.self,
        ListIngestionJobs.self,
        ListIngestionBatches.self,
        ListIngestionFailures.self,
        ListIngestionEvents.self,
        ReportRunner.self,
        ListIngestionRunners.self,
        DeleteIngestionJob.self,
        DeleteIngestionEvents.self,
        ListIngestionRetention.self,
        GetIngestionJobRows.self,
    ]

    /// The call of a function; nil if there is no such function.
    package static func call(of function: String) -> (any TrackingCall.Type)? { byFunction[function] }

    private static let byFunction = Dictionary(uniqueKeysWithValues: calls.map { ($0.function, $0) })
}
