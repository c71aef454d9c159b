import Migration
import Synchronization

/// What one embeddings server has shown so far: whether it works at all, and what its requests need.
final class ServerExperience: Sendable {
    private struct State {
        var hasAnswered = false
        var refusesSince: Duration?
        var needsDimensions = false
    }

    /// For this long a server that has answered before may refuse without a reason: longer than a rolling update, a
    /// reload of a proxy or a failover, and short enough that a wrong address is noticed.
    static let refusalMax = Duration.seconds(120)

    private let state = Mutex(State())
    private let time: Time

    init(time: Time) { self.time = time }

    /// Whether vectors have the wanted length only when the request states it.
    ///
    /// This is the case for a deployment whose name does not show its model.
    var needsDimensions: Bool { state.withLock { $0.needsDimensions } }

    /// The server gives the wanted length when the request states it.
    func noteNeedOfDimensions() { state.withLock { $0.needsDimensions = true } }

    /// The server has answered correctly.
    func noteAnswer() {
        state.withLock {
            $0.hasAnswered = true
            $0.refusesSince = nil
        }
    }

    /// The meaning of a refusal, depending on what came before it.
    ///
    /// Before the first answer, or with a reason, it means what it says. After that, a refusal without a reason comes
    /// from a gateway while the server behind it is replaced: for two minutes it counts as an outage.
    func judge(_ refusal: OpenAIErrorAnswer) -> PortFailure {
        let failure = refusal.failure
        guard failure.kind == .unauthorised, failure.code != PortFailure.blocked, !refusal.namesReason else {
            return failure
        }
        let now = time.now
        let isPassing = state.withLock { state in
            guard state.hasAnswered else { return false }
            let since = state.refusesSince ?? now
            state.refusesSince = since
            return now - since < Self.refusalMax
        }
        guard isPassing else { return failure }
        return PortFailure(.unavailable, "\(failure.detail), although it has answered before", code: failure.code)
    }
}
