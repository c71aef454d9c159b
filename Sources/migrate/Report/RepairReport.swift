import Migration
import Terminal

/// What `migrate repair-counters` did.
struct RepairReport: Encodable, Equatable {
    let job: JobID
    let target: String
    /// The counters that were wrong.
    var changes: [RecountIngestionJob.Change] = []
    /// Batches that somebody had left as no call leaves them.
    var batches = 0
    /// Open failures of records that are to be done again.
    var letters = 0
    /// Whether the counters agree with the tables now.
    var isRight = true

    var text: String {
        var lines = changes.map { "  \($0.name): \(Format.count($0.from)), now \(Format.count($0.to))" }
        if batches > 0 {
            lines.append(
                "  \(Format.plural(Int64(batches), "batch", "batches")) with counts or ends that no call made"
            )
        }
        if letters > 0 { lines.append("  \(Format.plural(Int64(letters), "failure")) of records that wait again") }
        return lines.isEmpty
            ? "The counters of job \(job) are right."
            : (["Put right in job \(job):"] + lines).joined(separator: "\n")
    }
}
