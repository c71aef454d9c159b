import GRDB
import Migration

// Which processes are at work: sql/sqlite/007_quota.sql.

extension SQLiteTransaction {
    /// Ten years, so that no time leaves its range.
    private static let longestMs = 315_360_000_000

    private func ago(_ milliseconds: Int) -> Int64 {
        now.microseconds - Int64(min(max(0, milliseconds), Self.longestMs)) * 1000
    }

    func report(_ call: ReportRunner) throws -> ReportRunner.Answer {
        let report = call.report
        try Self.check(report, of: call.runner)
        guard try job(call.job) != nil else { return .init(result: .notFound) }
        let known = try row("runner", ["job": call.job, "runner": call.runner])
        let (service, reason) = (report.service?.first(40), report.reason?.first(500))
        // Fewer records than before: a new process has the name of an old one.
        let before = try known.flatMap { row in try (row["records"] as Int64) <= report.records ? row : nil }
        let isSameState =
            try known.map { row in
                try row["state"] == report.state && row["service"] == service && row["reason"] == reason
            } ?? false
        let mark = try Mark(report.records, now, after: before)
        try run(
            "set_runner",
            [
                "job": call.job, "runner": call.runner, "host": report.host.first(200), "workers": report.workers,
                "held": report.held, "batches": report.batches, "records": report.records, "state": report.state,
                "service": service, "reason": reason,
                "since": isSameState ? try known.map { try $0["since"] as Int64 } : ago(report.sinceMs),
                "until": report.untilMs.map { 2 * now.microseconds - ago($0) },
                "started_at": try before.map { try $0["started_at"] as Int64 } ?? ago(report.startedMs),
                "seen": now.microseconds, "records_per_minute": mark.recordsPerMinute, "marked_at": mark.at,
                "marked_records": mark.records,
            ]
        )
        if before == nil {
            try run("forget_runners", ["job": call.job, "runner": call.runner, "now": now.microseconds])
        }
        return .init(result: .ok)
    }

    /// The rate between the two last marks, which are at least a minute apart.
    private struct Mark {
        var recordsPerMinute: Int64?
        var at: Int64
        var records: Int64

        init(_ records: Int64, _ now: DatabaseTime, after known: SQLiteRow?) throws {
            self.records = records
            at = now.microseconds
            guard let known else { return }
            let (markedAt, markedRecords): (Int64, Int64) = try (known["marked_at"], known["marked_records"])
            let passed = now.microseconds - markedAt
            if passed >= 60_000_000 {
                recordsPerMinute = Int64(Int128(records - markedRecords) * 60_000_000 / Int128(passed))
            } else {
                (recordsPerMinute, at, self.records) = (try known["records_per_minute"], markedAt, markedRecords)
            }
        }
    }

    private static func check(_ report: RunnerReport, of runner: String) throws(PortFailure) {
        let isName = (1...200).contains(runner.unicodeScalars.count)
        try demand(isName, "a runner has a name of 1…200 characters")
        let numbers = [Int64(report.workers), Int64(report.held), report.batches, report.records]
        try demand(numbers.allSatisfy { $0 >= 0 }, "no number is negative")
        try demand(max(report.workers, report.held) <= Int(Int32.max), "no runner has so many")
        try demand(report.records <= 1_000_000_000_000_000, "records must be at most 1000000000000000")
        let isWord =
            (1...40).contains(report.state.utf8.count)
            && report.state.utf8.allSatisfy { (0x61...0x7A).contains($0) || $0 == 0x5F }
        try demand(isWord, "a state is a word")
    }

    func list(_ call: ListIngestionRunners) throws -> ListIngestionRunners.Answer {
        try Self.demandLimit(call.limit, upTo: 1000)
        let within = call.filter.seenWithinMs.map { now.microseconds - Int64(min($0, Self.longestMs)) * 1000 }
        let rows = try rows(
            "runners",
            ["job": call.job, "after": call.after, "seen_since": within, "limit": call.limit + 1]
        )
        return Self.page(try rows.map { try Self.summary($0, now) }, limit: call.limit, key: \.runner)
    }

    private static func summary(_ row: SQLiteRow, _ now: DatabaseTime) throws -> RunnerSummary {
        func age(_ column: String) throws -> Int {
            now.milliseconds(since: DatabaseTime(microseconds: try row[column]))
        }
        return try RunnerSummary(
            runner: row["runner"],
            host: row["host"],
            workers: row["workers"],
            held: row["held"],
            batches: row["batches"],
            records: row["records"],
            state: row["state"],
            service: row["service"],
            reason: row["reason"],
            sinceMs: age("since"),
            untilMs: (row["until"] as Int64?).map { DatabaseTime(microseconds: $0).wait(at: now) },
            startedMs: age("started_at"),
            seenMs: age("seen"),
            recordsPerMinute: row["records_per_minute"]
        )
    }
}
