/// Transactions that are played together, and what they do one after the other.
struct IsolationGroup: Sendable {
    struct Call: Sendable {
        let operation: IsolationOperation
        let claim: Int

        func sql(job: Int) -> String { operation.sql(job: job, claim: claim) }
    }

    let scene: IsolationScene
    let calls: [Call]
    /// What repeats in the group repeat and the group does not have: done before.
    let before: [Call]
    /// By the sequence of the transactions, as far as it was asked for.
    private var sequential: [[Int]: IsolationReport] = [:]

    /// Claims get an identity each; repeats have that of the first.
    init(_ operations: [IsolationOperation], in scene: IsolationScene) {
        self.scene = scene
        calls = operations.indices.map { index in
            let isClaim = operations[index] == .claim
            return Call(
                operation: operations[index],
                claim: isClaim ? operations[...index].count { $0 == .claim } : 1
            )
        }
        before = operations.compactMap(\.original).filter { !operations.contains($0) }.map {
            Call(operation: $0, claim: 1)
        }
    }

    /// What is wrong with how an order of steps came out, or nil.
    ///
    /// Answers and end state must be those of some sequence of the transactions in which none comes before one that
    /// had been committed when it began; but see `passing`.
    mutating func problem(of report: IsolationReport, on stage: IsolationStage) async throws -> String? {
        if hasStrangeEnd(report) { return "breaks I3: a finish ended an attempt that is not its own" }
        if let claim = lateClaim(in: report) { return "breaks I8: transaction \(claim) claimed after a stop" }
        let passing = passing(in: report)
        let idle = passing.filter { report.answers[$0].map(calls[$0].operation.isNothing) ?? false }
        let answers = report.answers.filter { !idle.contains($0.key) }
        let precedences = report.begun.flatMap { index, committed in
            passing.contains(index) ? [] : committed.filter { !passing.contains($0) }.map { ($0, index) }
        }
        // Mostly it is the order of the commits.
        let usual = report.committed.filter { !idle.contains($0) }
        for sequence in [usual] + StepOrders.sequences(of: usual) {
            let isAllowed = precedences.allSatisfy { before, after in
                sequence.prefix { $0 != after }.contains(before)
            }
            guard isAllowed else { continue }
            let outcome = try await outcome(of: sequence, on: stage)
            if outcome.answers == answers, outcome.state == report.state { return nil }
        }
        return "is like no sequence: \(report)"
    }

    private mutating func outcome(of sequence: [Int], on stage: IsolationStage) async throws -> IsolationReport {
        if let known = sequential[sequence] { return known }
        let outcome = try await stage.play(self, sequence.flatMap { [$0, $0] })
        sequential[sequence] = outcome
        return outcome
    }

    /// Calls that leave out what others hold, and began while others held something.
    ///
    /// Their answer may be that of an earlier or later moment, when the others had not begun or were done; and a call
    /// that did nothing may have left out what another only looked at. A worker that waits for a batch asks again.
    private func passing(in report: IsolationReport) -> Set<Int> {
        var passing: Set<Int> = []
        for (place, (index, committed)) in report.begun.enumerated() where place > committed.count {
            if calls[index].operation.passesOver { passing.insert(index) }
        }
        return passing
    }

    /// Whether a finish was applied, and the history does not tell of an end of its attempt.
    private func hasStrangeEnd(_ report: IsolationReport) -> Bool {
        calls.indices.contains { index in
            [.finish, .repeatedFinish].contains(calls[index].operation)
                && report.answers[index]?.contains("applied") == true && !report.state.contains("0 1 completed")
        }
    }

    /// A claim that took something and was committed after a pause or cancel was; none of the same identity came before.
    private func lateClaim(in report: IsolationReport) -> Int? {
        let stop = report.committed.firstIndex { [.pause, .cancel].contains(calls[$0].operation) }
        guard let stop, before.isEmpty else { return nil }
        let claims = report.committed.indices.filter {
            let index = report.committed[$0]
            return [.claim, .repeatedClaim].contains(calls[index].operation)
                && report.answers[index]?.contains("attempt") == true
        }
        let early = claims.filter { $0 < stop }.map { calls[report.committed[$0]].claim }
        return claims.filter { $0 > stop }.map { report.committed[$0] }.first { !early.contains(calls[$0].claim) }
    }
}
