import Migration
import Terminal

/// The result of `migrate release`.
struct ReleaseReport: Encodable, Equatable {
    let job: JobID
    let target: String
    /// Batches that may be claimed again.
    var released = 0
    /// Batches with no retry left: they are given up.
    var failed = 0
    var records: Int64 = 0

    var text: String {
        guard released + failed > 0 else { return "Job \(job) has no such batches at work." }
        let all = "\(Self.batches(released)) may be claimed again."
        guard failed > 0 else { return all }
        return "\(released > 0 ? all + " " : "")\(Self.batches(failed)) had no retry left and "
            + "\(failed == 1 ? "is" : "are") given up: `migrate retry --batches` opens \(failed == 1 ? "it" : "them") again."
    }

    static func batches(_ count: Int) -> String { Format.plural(Int64(count), "batch", "batches") }
}
