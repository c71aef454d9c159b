import Migration

/// A row of `ingestion_runner`.
struct RunnerRow: Sendable {
    var report: RunnerReport
    var since: DatabaseTime
    var until: DatabaseTime?
    var startedAt: DatabaseTime
    var seen: DatabaseTime
    var recordsPerMinute: Int64?
    var markedAt: DatabaseTime
    var markedRecords: Int64
}

extension TrackingTables {
    /// Ten years, so that no time leaves its range.
    private static let longest = 315_360_000_000

    private static func age(_ milliseconds: Int) -> Duration { .milliseconds(min(max(0, milliseconds), longest)) }

    /// `report_runner`.
    mutating func report(_ call: ReportRunner, _ now: DatabaseTime) throws(PortFailure) -> ReportRunner.Answer {
        let given = call.report
        try require((1...200).contains(call.runner.unicodeScalars.count), "a runner has a name of 1…200 characters")
        let numbers = [Int64(given.workers), Int64(given.held), given.batches, given.records]
        try require(numbers.allSatisfy { $0 >= 0 }, "no number is negative")
        try require(max(given.workers, given.held) <= Int(Int32.max), "no runner has so many")
        try require(given.records <= 1_000_000_000_000_000, "records must be at most 1000000000000000")
        let isWord = given.state.utf8.allSatisfy { (0x61...0x7A).contains($0) || $0 == UInt8(ascii: "_") }
        try require(isWord && (1...40).contains(given.state.utf8.count), "a state is a word")
        guard let index = index(of: call.job) else { return .init(result: .notFound) }
        let isNew = jobs[index].runners[call.runner].map { given.records < $0.report.records } ?? true
        jobs[index].runners[call.runner] = row(given.cut, after: jobs[index].runners[call.runner], now)
        if isNew { jobs[index].forgetRunners(at: now) }
        return .init(result: .ok)
    }

    private func row(_ report: RunnerReport, after known: RunnerRow?, _ now: DatabaseTime) -> RunnerRow {
        var row = RunnerRow(
            report: report,
            since: now - Self.age(report.sinceMs),
            until: report.untilMs.map { now + Self.age($0) },
            startedAt: now - Self.age(report.startedMs),
            seen: now,
            markedAt: now,
            markedRecords: report.records
        )
        guard let known else { return row }
        let said = known.report
        // The age counts from the first report of a wait; otherwise the wait would begin anew with each report.
        if (said.state, said.service, said.reason) == (report.state, report.service, report.reason) {
            row.since = known.since
        }
        // Fewer records than before: a new process has the name of an old one.
        guard report.records >= said.records else { return row }
        row.startedAt = known.startedAt
        let microseconds = now.microseconds - known.markedAt.microseconds
        if microseconds >= 60_000_000 {
            let done = Double(report.records - known.markedRecords)
            row.recordsPerMinute = Int64((done * 60_000_000 / Double(microseconds)).rounded(.down))
        } else {
            row.recordsPerMinute = known.recordsPerMinute
            row.markedAt = known.markedAt
            row.markedRecords = known.markedRecords
        }
        return row
    }

    /// `list_ingestion_runners`: by name, in the order of its bytes.
    func list(_ call: ListIngestionRunners, _ now: DatabaseTime) throws(PortFailure) -> ListIngestionRunners.Answer {
        let runners = index(of: call.job).map { jobs[$0].runners } ?? [:]
        let within = call.filter.seenWithinMs.map { min($0, Self.longest) }
        let rows = runners.sorted { $0.key.isBefore($1.key) }.lazy.filter { name, row in
            (call.after.map { $0.isBefore(name) } ?? true)
                && (within.map { row.seen >= now - .milliseconds($0) } ?? true)
        }
        let page = try Page(rows.map { $0.value.summary(of: $0.key, now) }, limit: call.limit)
        return .init(rows: page.rows, next: page.next?.runner)
    }
}

extension JobRow {
    /// Deletes runners that have left or are silent for a day; called when a new one appears.
    fileprivate mutating func forgetRunners(at now: DatabaseTime) {
        runners = runners.filter { _, row in
            row.seen >= now - .seconds(row.report.state == "left" ? 3_600 : 86_400)
        }
    }
}

extension RunnerReport {
    /// The report, cut to what the columns can hold.
    fileprivate var cut: Self {
        func first(_ count: Int, of text: String) -> String {
            String(String.UnicodeScalarView(text.unicodeScalars.prefix(count)))
        }
        var cut = self
        cut.host = first(200, of: host)
        cut.service = service.map { first(40, of: $0) }
        cut.reason = reason.map { first(500, of: $0) }
        return cut
    }
}

extension RunnerRow {
    fileprivate func summary(of name: String, _ now: DatabaseTime) -> RunnerSummary {
        RunnerSummary(
            runner: name,
            host: report.host,
            workers: report.workers,
            held: report.held,
            batches: report.batches,
            records: report.records,
            state: report.state,
            service: report.service,
            reason: report.reason,
            sinceMs: now.milliseconds(since: since),
            untilMs: until?.wait(at: now),
            startedMs: now.milliseconds(since: startedAt),
            seenMs: now.milliseconds(since: seen),
            recordsPerMinute: recordsPerMinute
        )
    }
}

extension String {
    /// Compares as PostgreSQL's collation C does.
    fileprivate func isBefore(_ other: String) -> Bool { utf8.lexicographicallyPrecedes(other.utf8) }
}
