import Fakes
package import Invariants
package import Migration

/// Turns the calls of a fake store into steps that another store can replay.
///
/// Without `interleaving`, another store that replays them must give the same answers. With it, a call may have skipped
/// locked rows that are free in a replay.
package struct StepLog: CommitLog {
    private let step: @Sendable (RecordedStep) -> Void

    /// - Parameter step: gets every call with its answer, in the order of their commits.
    package init(_ step: @escaping @Sendable (RecordedStep) -> Void) { self.step = step }

    package func note<Call: TrackingCall>(
        _ call: Call,
        _ answer: Result<Call.Answer, PortFailure>,
        at: Int64,
        chance: Double
    ) {
        let recorded: RecordedAnswer =
            switch answer {
            case .success(let answer): .given(answer)
            case .failure(let failure): RecordedAnswer(failure: failure)
            }
        step(RecordedStep(at: at, chance: chance, call: call, answer: recorded))
    }
}
