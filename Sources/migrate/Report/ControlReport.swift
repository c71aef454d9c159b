import Migration

/// What `migrate pause`, `resume` and `cancel` answer with `--json`.
struct ControlReport: Encodable {
    let job: JobID
    let target: String
    let result: ControlIngestionJob.Result
    let status: JobStatus?
}
