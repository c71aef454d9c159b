import Migration

/// What runners say of themselves.
extension JobScene {
    @discardableResult
    private func report(
        _ job: JobID,
        _ runner: String,
        state: String = "running",
        reason: String? = nil,
        records: Int64 = 0,
        sinceMs: Int = 0,
        untilMs: Int? = nil,
        startedMs: Int = 0
    ) async throws -> JobPresence {
        let report = RunnerReport(
            host: "host",
            workers: 4,
            held: 2,
            batches: records / 10,
            records: records,
            state: state,
            service: reason == nil ? nil : "embedder",
            reason: reason,
            sinceMs: sinceMs,
            untilMs: untilMs,
            startedMs: startedMs
        )
        return try await store.reportRunner(ReportRunner(job: job, runner: runner, report: report)).result
    }

    private func runners(_ job: JobID, within: Int? = nil) async throws -> [RunnerSummary] {
        let filter = ListIngestionRunners.Filter(seenWithinMs: within)
        return try await store.runners(ListIngestionRunners(job: job, filter: filter)).rows
    }

    private func runner(_ job: JobID, _ name: String) async throws -> RunnerSummary {
        guard let found = try await runners(job).first(where: { $0.runner == name }) else {
            throw RuleBroken("there is no runner \(name)")
        }
        return found
    }

    /// An age, as a real clock may have gone on between two calls.
    private func expectAge(_ milliseconds: Int?, _ expected: Int, _ what: String) throws {
        let isNear = milliseconds.map { ($0 - expected).magnitude <= 20_000 } ?? false
        try expect(isNear, "\(what): \(milliseconds as Any) ms is not about \(expected) ms")
    }

    func runnersAreListedByName() async throws {
        let job = try await planned([[1]])
        let names = ["B:1", "a:1", "a:10", "a:2", "ä:1"]
        for name in names.reversed() { try await report(job.job, name) }
        try expectEqual(try await runners(job.job).map(\.runner), names, "by the bytes of the name")
        var pages: [[String]] = []
        var after: String?
        repeat {
            let page = try await store.runners(ListIngestionRunners(job: job.job, after: after, limit: 2))
            pages.append(page.rows.map(\.runner))
            after = page.next
        } while after != nil
        try expectEqual(pages, [["B:1", "a:1"], ["a:10", "a:2"], ["ä:1"]], "page by page")
        let one = try await runner(job.job, "a:2")
        try expectEqual([one.host, one.state], ["host", "running"], "host and state")
        try expectEqual([one.workers, one.held], [4, 2], "workers and batches in hand")
        let other = try await planned([], settings: .usual, target: target + "-other")
        try expectEqual(try await runners(other.job).count, 0, "runners of another job")
        for limit in [0, 1001] {
            try await expectRejected("\(limit) runners") {
                try await store.runners(ListIngestionRunners(job: job.job, limit: limit))
            }
        }
    }

    func runnersAreListedBySign() async throws {
        let job = try await planned([[1]])
        try await report(job.job, "old:1")
        try await harness.advance(by: .seconds(600))
        try await report(job.job, "new:1")
        try expectEqual(try await runners(job.job).map(\.runner), ["new:1", "old:1"], "all")
        try expectEqual(try await runners(job.job, within: 300_000).map(\.runner), ["new:1"], "seen lately")
        try expectEqual(try await runners(job.job, within: .max).count, 2, "seen at any time")
        let old = try await runner(job.job, "old:1")
        try expectAge(old.seenMs, 600_000, "last sign of life")
        try expectEqual(old.isAlive, false, "whether it is taken for alive")
        try expectEqual(try await runner(job.job, "new:1").isAlive, true, "whether the other one is")
        try await report(job.job, "new:1", state: "left")
        try expectEqual(try await runner(job.job, "new:1").isAlive, false, "whether one that has left is")
    }

    func runnerKeepsTheBeginningOfAState() async throws {
        let job = try await planned([[1]])
        try await report(job.job, "a:1", state: "service_away", reason: "503", sinceMs: 60_000, untilMs: 30_000)
        let first = try await runner(job.job, "a:1")
        try expectAge(first.sinceMs, 60_000, "as told")
        try expectAge(first.untilMs, 30_000, "when the wait ends")
        try expectEqual([first.service, first.reason], ["embedder", "503"], "service and reason")
        try await harness.advance(by: .seconds(300))
        try await report(job.job, "a:1", state: "service_away", reason: "503", sinceMs: 0)
        try expectAge(try await runner(job.job, "a:1").sinceMs, 360_000, "the same state goes on")
        try expectEqual(try await runner(job.job, "a:1").untilMs, nil, "a wait without an end")
        try await report(job.job, "a:1", state: "service_away", reason: "502")
        try expectAge(try await runner(job.job, "a:1").sinceMs, 0, "another reason is another state")
        try await report(job.job, "a:1", sinceMs: 100_000)
        try expectAge(try await runner(job.job, "a:1").sinceMs, 100_000, "another state")
        try await report(job.job, "b:1", sinceMs: .max, untilMs: .max, startedMs: .max)
        try await report(job.job, "c:1", sinceMs: -5, untilMs: -5, startedMs: -5)
        try expectEqual(try await runner(job.job, "c:1").untilMs, 0, "a wait that is over")
        try expectAge(try await runner(job.job, "c:1").sinceMs, 0, "an age of the future")
    }

    func runnerTellsItsRateByTheMinute() async throws {
        let job = try await planned([[1]])
        try await report(job.job, "a:1", records: 0)
        try expectEqual(try await runner(job.job, "a:1").recordsPerMinute, nil, "rate of a new one")
        try await harness.advance(by: .seconds(30))
        try await report(job.job, "a:1", records: 500)
        try expectEqual(try await runner(job.job, "a:1").recordsPerMinute, nil, "rate within the first minute")
        try await harness.advance(by: .seconds(570))
        try await report(job.job, "a:1", records: 10_000)
        let rate = try await runner(job.job, "a:1").recordsPerMinute ?? -1
        try expect((900...1_000).contains(rate), "10,000 records in ten minutes are not \(rate) per minute")
        try await report(job.job, "a:1", records: 10_000)
        try expectEqual(try await runner(job.job, "a:1").recordsPerMinute, rate, "until the next minute is over")
        try await harness.advance(by: .seconds(61))
        try await report(job.job, "a:1", records: 10_000)
        try expectEqual(try await runner(job.job, "a:1").recordsPerMinute, 0, "rate of a minute without a record")
    }

    func runnerWithTheNameOfAnotherBeginsAnew() async throws {
        let job = try await planned([[1]])
        try await report(job.job, "a:1", records: 1_000, startedMs: 500_000)
        try await harness.advance(by: .seconds(120))
        try await report(job.job, "a:1", records: 3_000, startedMs: 620_000)
        try expectAge(try await runner(job.job, "a:1").startedMs, 620_000, "started")
        try await report(job.job, "a:1", records: 10, startedMs: 1_000)
        let anew = try await runner(job.job, "a:1")
        try expectAge(anew.startedMs, 1_000, "started anew")
        try expectEqual([anew.recordsPerMinute, anew.records], [nil, 10], "rate and records of the new one")
    }

    func runnersThatAreGoneAreForgotten() async throws {
        let job = try await planned([[1]])
        try await report(job.job, "left:1", state: "left")
        try await report(job.job, "dead:1")
        try await harness.advance(by: .seconds(4_000))
        try await report(job.job, "dead:1")
        try expectEqual(try await runners(job.job).map(\.runner), ["dead:1", "left:1"], "until another one appears")
        try await report(job.job, "new:1")
        try expectEqual(try await runners(job.job).map(\.runner), ["dead:1", "new:1"], "one that has left goes")
        try await harness.advance(by: .seconds(90_000))
        try await report(job.job, "newer:1")
        try expectEqual(try await runners(job.job).map(\.runner), ["newer:1"], "those silent for a day go")
    }

    func runnerOfAnUnknownJobIsNotFound() async throws {
        try expectEqual(try await report(.max, "a:1"), .notFound, "a report")
        let answer = try await store.runners(ListIngestionRunners(job: .max))
        try expectEqual(answer, .init(rows: [], next: nil), "runners of an unknown job")
    }

    func runnerReportsAreBounded() async throws {
        let job = try await planned([[1]])
        let usual = RunnerReport(host: "h", workers: 1, held: 0, batches: 0, records: 0, state: "running")
        let wrong: [(String, WritableKeyPath<RunnerReport, Int64>?, String)] = [
            ("", nil, "running"), (String(repeating: "x", count: 201), nil, "running"), ("a:1", nil, ""),
            ("a:1", nil, "Running"), ("a:1", nil, "on the way"), ("a:1", nil, String(repeating: "x", count: 41)),
            ("a:1", \.records, "running"), ("a:1", \.batches, "running"),
        ]
        for (name, number, state) in wrong {
            var report = usual
            report.state = state
            if let number { report[keyPath: number] = -1 }
            try await expectRejected("\(name) \(report)") {
                try await store.reportRunner(ReportRunner(job: job.job, runner: name, report: report))
            }
        }
        for field in [\RunnerReport.workers, \.held] {
            var report = usual
            report[keyPath: field] = -1
            try await expectRejected("\(report)") {
                try await store.reportRunner(ReportRunner(job: job.job, runner: "a:1", report: report))
            }
        }
        try expectEqual(try await runners(job.job).count, 0, "runners after refused reports")
        var long = usual
        long.host = String(repeating: "ü", count: 300)
        long.reason = String(repeating: "ü", count: 600)
        _ = try await store.reportRunner(ReportRunner(job: job.job, runner: "a:1", report: long))
        let stored = try await runner(job.job, "a:1")
        try expectEqual([stored.host.count, stored.reason?.count], [200, 500], "characters that are kept")
    }
}
