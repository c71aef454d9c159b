/// How far a comparison has come, so that another one can go on from there.
///
/// What it says of the batches before holds for the time at which they were compared.
package struct VerifyProgress: Sendable, Codable, Equatable {
    /// The last batch of the job's list that was compared.
    package internal(set) var after: Int?
    /// Records of the batches that were compared.
    package internal(set) var compared = 0
    /// The highest planned id up to which rows were counted that are not planned.
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

    /// The same with what a comparison has found.
    func keeping(_ step: Verifier.Step) -> VerifyProgress {
        var copy = self
        copy.points = step.points
        (copy.right, copy.blank, copy.vanished) = (step.report.right, step.report.blank, step.report.vanished)
        (copy.kept, copy.open, copy.late) = (step.report.kept, step.report.open, step.report.late)
        copy.findings = step.report.findings
        copy.doubtful = step.doubts.all
        return copy
    }

    /// Gives what was found before to the comparison that goes on.
    func restore(_ step: inout Verifier.Step, at now: Duration) {
        step.points = points
        (step.report.right, step.report.blank, step.report.vanished) = (right, blank, vanished)
        (step.report.kept, step.report.open, step.report.late) = (kept, open, late)
        step.report.findings = findings
        step.doubts.add(doubtful, readAt: now)
    }
}
