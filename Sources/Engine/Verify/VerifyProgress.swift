import Migration

/// The progress of a comparison, so that another one can continue it.
///
/// Its findings about earlier batches are valid for the time at which these were compared.
package struct VerifyProgress: Sendable, Codable, Equatable {
    /// The last batch of the job's list that was compared.
    package internal(set) var after: Int?
    /// The number of compared records.
    package internal(set) var compared = 0
    /// The highest planned id up to which unplanned rows were counted.
    var cursor: RecordID?
    private var points = 0
    private var right = 0
    private var blank = 0
    private var vanished = 0
    private var kept = 0
    private var open = 0
    private var late: Int64 = 0
    private var findings: [VerificationReport.Finding] = []
    private var doubtful: [Comparison.Subject] = []

    package init() {}

    /// The same with the results of a comparison.
    func keeping(_ step: Verifier.Step) -> VerifyProgress {
        var copy = self
        copy.points = step.points
        (copy.right, copy.blank, copy.vanished) = (step.report.right, step.report.blank, step.report.vanished)
        (copy.kept, copy.open, copy.late) = (step.report.kept, step.report.open, step.report.late)
        copy.findings = step.report.findings
        copy.doubtful = step.doubts.all
        return copy
    }

    /// Passes the earlier results to the comparison that continues.
    func restore(_ step: inout Verifier.Step, at now: Duration) {
        step.points = points
        (step.report.right, step.report.blank, step.report.vanished) = (right, blank, vanished)
        (step.report.kept, step.report.open, step.report.late) = (kept, open, late)
        step.report.findings = findings
        step.doubts.add(doubtful, readAt: now)
    }
}
