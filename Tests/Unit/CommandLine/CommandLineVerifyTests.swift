import ArgumentParser
import Engine
import Migration
import Terminal
import Testing

@testable import migrate

/// What `migrate verify` says and with which code it ends.
@Suite struct `The answer of verify` {
    private func report(
        _ status: JobStatus = .completed,
        processed: Int64 = 1_000,
        failed: Int64 = 0,
        pending: Int = 0,
        isSealed: Bool = true,
        _ change: (inout VerificationReport) -> Void = { _ in }
    ) -> VerificationReport {
        var stats = JobStats.sample(status, processed: processed, failed: failed, isSealed: isSealed)
        stats.pending = pending
        stats.processing = 0
        stats.equal = true
        var report = VerificationReport(stats: stats)
        change(&report)
        return report
    }

    private func finding(_ kind: VerificationReport.Finding.Kind, isRepaired: Bool = false)
        -> VerificationReport.Finding
    {
        VerificationReport.Finding(record: 5, batch: 1, kind: kind, points: 2, isRepaired: isRepaired)
    }

    private let letter = FailureSummary(
        recordId: 5,
        batchNumber: 1,
        attempt: 1,
        stage: .decode,
        code: "no_member_code",
        message: "nobody's",
        permanent: true,
        firstAt: "2026-01-31T12:00:00.123Z",
        lastAt: "2026-01-31T12:00:00.123Z",
        times: 1,
        resolvedAt: nil
    )

    /// Checks that the text, the JSON document and the exit code say the same.
    private func check(_ report: VerificationReport, _ status: Int32, _ words: String, verdict: String) throws {
        let document = VerifyDocument(report)
        #expect(document.status.rawValue == status, "\(words)")
        #expect(document.text.contains(words), "\(document.text)")
        let json = try JSONText.of(document)
        #expect(json.contains("\"exit_code\":\(status)"), "\(json)")
        #expect(json.contains("\"verdict\":\"\(verdict)\""), "\(json)")
        #expect(json.contains("\"is_right\":\(status == 0)"), "\(json)")
    }

    @Test func `only a job that is complete ends with 0`() throws {
        try check(report(), 0, "Job 7 (completed): nothing is missing.", verdict: "complete")
        try check(report { $0.findings = [finding(.missing, isRepaired: true)] }, 0, "1 repaired", verdict: "complete")
        try check(report { $0.vanished = 3 }, 0, "3 planned rows not in MySQL any more", verdict: "complete")
        #expect(!VerifyDocument(report { $0.vanished = 10 }).text.contains("a replica that lags?"))
        #expect(VerifyDocument(report { $0.vanished = 11 }).text.contains("a replica that lags?"))
        try check(report { $0.late = 3 }, 0, "3 rows came after the plan", verdict: "complete")
        try check(report { $0.kept = 4 }, 0, "4 points of blank or vanished records", verdict: "complete")
    }

    @Test func `what is wrong ends with 1, in whatever state the job is`() throws {
        for kind in VerificationReport.Finding.Kind.allCases {
            for status in [JobStatus.completed, .running, .paused, .cancelled, .failed] {
                try check(
                    report(status, isSealed: status == .completed) { $0.findings = [finding(kind)] },
                    1,
                    "(\(status.rawValue)): something is wrong",
                    verdict: "wrong"
                )
            }
        }
        try check(report(processed: 999), 1, "the accounts do not add up", verdict: "wrong")
        #expect(VerifyDocument(report(processed: 999)).text.contains("Next: `migrate repair-counters`"))
        let half = report { $0.findings = [finding(.stale, isRepaired: true), finding(.text)] }
        try check(half, 1, "1 finding, 1 repaired", verdict: "wrong")
    }

    @Test func `failed records end with 1 and their number`() throws {
        let failed = report(processed: 999, failed: 1) { $0.failures = [letter] }
        try check(failed, 1, "1 record failed, everything else is right", verdict: "failed")
        #expect(VerifyDocument(failed).text.contains("1 recorded; `migrate retry`"))
        #expect(VerifyDocument(failed).text.contains("record 5: nobody's"))
        // The batch failed as a whole.
        try check(report(.failed, processed: 998, failed: 2), 1, "2 records failed", verdict: "failed")
    }

    @Test(arguments: [JobStatus.running, .paused, .cancelled, .failed, .pending])
    func `a job that is not finished ends with 75`(status: JobStatus) throws {
        let unplanned = report(status, processed: 10, pending: 3, isSealed: false) { $0.open = 30 }
        try check(unplanned, 75, "(\(status.rawValue)): not finished planning.", verdict: "planning_unfinished")
        let open = report(status, processed: 10, pending: 3) { $0.open = 30 }
        try check(open, 75, "(\(status.rawValue)): not finished.", verdict: "unfinished")
        #expect(VerifyDocument(open).text.contains("30 records not worked on yet"))
        // Failures are told, and are judged when the job is finished.
        let letters = report(status, processed: 10, failed: 1, pending: 3) {
            $0.open = 30
            $0.failures = [letter]
        }
        try check(letters, 75, "1 recorded", verdict: "unfinished")
    }

    @Test func `the way on depends on the job's status`() {
        func text(_ status: JobStatus) -> String {
            VerifyDocument(report(status, processed: 10, pending: 3) { $0.open = 30 }).text
        }
        #expect(text(.paused).contains("`migrate resume`"))
        #expect(text(.cancelled).contains("`migrate run` plans a new job"))
        #expect(text(.running).contains("`migrate run` works on the rest"))
    }

    @Test func `the help teaches the exit codes`() {
        let help = VerifyCommand.helpMessage()
        for word in ["EXIT CODES", "  0 ", "  1 ", "  75 ", "--deep", "--repair", "member_code"] {
            #expect(help.contains(word), "\(word)")
        }
    }
}
