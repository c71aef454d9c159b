import Migration
import Terminal

/// The result of `migrate retry`.
struct RetryReport: Encodable, Equatable {
    let job: JobID
    /// The job's table and collection.
    var target: String?
    var batches = 0
    var records = 0

    var text: String {
        guard batches > 0 else { return "Job \(job) has no such failures to try again." }
        let records = Format.plural(Int64(records), "record")
        return
            "\(records) in \(Format.plural(Int64(batches), "batch", "batches")) will be tried again: `migrate run --resume`."
    }
}
