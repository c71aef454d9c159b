import Migration
import Terminal

/// The result of `migrate repair-counters`.
struct RepairReport: Encodable, Equatable {
    let job: JobID
    let target: String
    /// The counters that were wrong.
    var changes: [RecountIngestionJob.Change] = []
    /// Batches in a state that no call produces: changed by hand.
    var batches = 0
    /// Open failures of records that are pending again.
    var letters = 0
    /// Whether the counters match the tables now.
    var isRight = true

    var text: String {
        var lines = changes.map { "  \($0.name): \(Format.count($0.from)), now \(Format.count($0.to))" }
        if batches > 0 {
            lines.append(
                "  \(Format.plural(Int64(batches), "batch", "batches")) with counts or ends that were changed by hand"
            )
        }
        if letters > 0 { lines.append("  \(Format.plural(Int64(letters), "failure")) of pending records") }
        return lines.isEmpty
            ? "The counters of job \(job) are right."
            : (["Corrected in job \(job):"] + lines).joined(separator: "\n")
    }
}
