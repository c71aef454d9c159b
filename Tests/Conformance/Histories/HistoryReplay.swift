import Foundation
package import Invariants
package import Migration

/// A store on which a history can be replayed: its clock and its chance are what the steps say.
package protocol HistoryStage: Sendable {
    var store: any JobStore { get }

    /// Sets the clock and the chance of a step.
    ///
    /// - Returns: the id of the last event that is stored.
    func prepare(_ step: RecordedStep) async throws -> Int64
}

/// How many histories a suite tries: a reduced number, or what `MIGRATE_TEST_HISTORIES` says.
package func historyCount(reduced: Int) -> Int {
    ProcessInfo.processInfo.environment["MIGRATE_TEST_HISTORIES"].flatMap { Int($0) } ?? reduced
}

/// Where a history goes wrong.
package struct HistoryFailure: Error, CustomStringConvertible {
    package enum Finding: Sendable {
        /// The store answered something else than the model, or than another store.
        case answer(RecordedAnswer, expected: RecordedAnswer)
        case violations([TrackingViolation])
    }

    /// The steps up to and including the one that went wrong.
    package let steps: [RecordedStep]
    package let finding: Finding

    package var description: String {
        let history = steps.enumerated().map { number, step in
            "\(number): t=\(step.at) µs, chance \(step.chance): \(step.text)"
        }
        return "after\n" + history.joined(separator: "\n") + "\n" + finding.text
    }
}

extension HistoryFailure.Finding {
    fileprivate var text: String {
        switch self {
        case .violations(let violations): return violations.map(\.description).joined(separator: "\n")
        case .answer(let answer, let expected):
            let (expected, answer) = (expected.sorted, answer.sorted)
            let same = max(0, expected.commonPrefix(with: answer).count - 300)
            return "expected …\(expected.dropFirst(same).prefix(600))\n     got …\(answer.dropFirst(same).prefix(600))"
        }
    }
}

extension RecordedStep {
    /// The call in one line.
    fileprivate var text: String { "\(call)".plain }
}

extension RecordedAnswer {
    /// Whether two stores say the same: the order of events is promised for each batch, not across batches.
    fileprivate func matches(_ other: Self) -> Bool {
        guard let mine = value(ListIngestionEvents.Answer.self),
            let theirs = other.value(ListIngestionEvents.Answer.self)
        else { return self == other }
        return mine.byBatch == theirs.byBatch && mine.next == nil && theirs.next == nil
    }

    /// As JSON in a fixed order, so that two answers can be compared by eye.
    fileprivate var sorted: String {
        let encoder = JSONEncoder()
        encoder.outputFormatting = .sortedKeys
        guard case .given(let answer) = self, let json = try? encoder.encode(answer) else { return "\(self)" }
        return String(decoding: json, as: UTF8.self)
    }
}

extension ListIngestionEvents.Answer {
    fileprivate var byBatch: [EventSummary] {
        rows.sorted { ($0.batchNumber ?? -1, $0.id) < ($1.batchNumber ?? -1, $1.id) }.map { event in
            var event = event
            event.id = 0
            return event
        }
    }
}

extension String {
    /// Without the parts that Swift's own description repeats.
    fileprivate var plain: String {
        replacing("Migration.", with: "").replacing("Optional(", with: "(")
            .replacing(#/ExplicitNull<\w+>\(wrappedValue: /#, with: "(")
    }
}

/// Replays histories and makes failing ones short.
package enum HistoryReplay {
    /// What a history left behind.
    package struct Result: Sendable {
        /// The steps with their answers; behind them the lists of every job's rows.
        package var answered: [RecordedStep] = []
        package var coverage = HistoryCoverage()
        package var evidence = TrackingEvidence(jobs: [])
    }

    /// Replays steps, compares each answer with the model's, where it has one, and with the recorded one, where the step
    /// has one, and checks the invariants in the end.
    ///
    /// - Throws: the first `HistoryFailure`.
    @discardableResult
    package static func run(_ steps: [RecordedStep], on stage: any HistoryStage) async throws -> Result {
        let result = try await perform(steps, on: stage)
        let violations = result.evidence.violations()
        guard violations.isEmpty else {
            throw HistoryFailure(steps: result.answered, finding: .violations(violations))
        }
        return result
    }

    /// Replays steps without a judgement on what they left behind, and on the answers only if wanted.
    ///
    /// - Throws: the first answer that is not as it should be, as a `HistoryFailure`.
    package static func perform(
        _ steps: [RecordedStep],
        on stage: any HistoryStage,
        comparing: Bool = true
    ) async throws -> Result {
        var model = TrackingModel()
        var result = Result()
        for step in steps { try await perform(step, on: stage, comparing, &model, &result) }
        for step in model.reading(at: steps.last?.at ?? 0) {
            try await perform(step, on: stage, comparing, &model, &result)
        }
        result.coverage = model.coverage
        result.evidence = try await TrackingEvidence(reading: stage.store, calls: result.evidence.calls)
        return result
    }

    private static func perform(
        _ step: RecordedStep,
        on stage: any HistoryStage,
        _ comparing: Bool,
        _ model: inout TrackingModel,
        _ result: inout Result
    ) async throws {
        let before = try await stage.prepare(step)
        if !result.evidence.calls.isEmpty { result.evidence.calls[result.evidence.calls.count - 1].eventAfter = before }
        let answer = await step.call.perform(on: stage.store)
        let tick = 2 * result.answered.count
        result.evidence.calls.append(
            ObservedCall(
                step.call,
                answer: answer,
                began: tick,
                ended: tick + 1,
                at: DatabaseTime.start + .microseconds(step.at),
                until: DatabaseTime.start + .microseconds(step.at),
                eventBefore: before
            )
        )
        var done = step
        done.answer = answer
        result.answered.append(done)
        let expectations = [model.answer(step), step.answer].compactMap(\.self)
        for expected in expectations where comparing && !expected.matches(answer) {
            throw HistoryFailure(steps: result.answered, finding: .answer(answer, expected: expected))
        }
    }

    /// The shortest history found that still goes wrong: every call is complete in itself, so any may be left out.
    ///
    /// - Parameters:
    ///   - steps: the history.
    ///   - replaysMax: ends the search; a history a little too long is still of use.
    ///   - reference: an empty store that says what must be answered, beside the model; nil = only the model does.
    ///   - stage: an empty store.
    /// - Returns: where the short history goes wrong, or nil when the whole one does not.
    /// - Throws: what the stage throws.
    package static func shrunk(
        _ steps: [RecordedStep],
        replaysMax: Int = 3000,
        reference: (() -> any HistoryStage)? = nil,
        on stage: () async throws -> any HistoryStage
    ) async throws -> HistoryFailure? {
        var replays = 0
        guard var found = try await failure(of: steps, reference, stage) else { return nil }
        var best = found.steps
        var piece = best.count / 2
        while piece > 0 {
            var start = 0
            while start < best.count, replays < replaysMax {
                replays += 1
                var shorter = best
                shorter.removeSubrange(start..<min(start + piece, best.count))
                if let smaller = try await failure(of: shorter, reference, stage) {
                    (found, best) = (smaller, smaller.steps)
                } else {
                    start += piece
                }
            }
            piece /= 2
        }
        return found
    }

    private static func failure(
        of steps: [RecordedStep],
        _ reference: (() -> any HistoryStage)?,
        _ stage: () async throws -> any HistoryStage
    ) async throws -> HistoryFailure? {
        var steps = steps.map { RecordedStep(at: $0.at, chance: $0.chance, call: $0.call) }
        if let reference { steps = try await run(steps, on: reference()).answered }
        do { try await run(steps, on: try await stage()) } catch let failure as HistoryFailure { return failure }
        return nil
    }
}

extension TrackingModel {
    /// Everything that can be read of every job.
    fileprivate func reading(at: Int64) -> [RecordedStep] {
        jobs.map(\.id).flatMap { job -> [any TrackingCall] in
            [
                GetIngestionJobStatsExact(job: job), GetIngestionJobStats(job: job),
                ListIngestionBatches(job: job, filter: .init(), after: nil, limit: 1000),
                ListIngestionFailures(job: job, filter: .init(), after: nil, limit: 1000),
                ListIngestionEvents(job: job, filter: .init(), after: nil, limit: 1000),
            ]
        }.map { RecordedStep(at: at, chance: 0, call: $0) }
    }
}
