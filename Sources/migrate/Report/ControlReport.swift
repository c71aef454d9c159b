import Migration

/// The answer of `migrate pause`, `resume` and `cancel` with `--json`.
struct ControlReport: Encodable {
    let job: JobID
    let target: String
    let result: ControlIngestionJob.Result
    let status: JobStatus?
}
