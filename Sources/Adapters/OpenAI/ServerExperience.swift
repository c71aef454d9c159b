import Migration
import Synchronization

/// What one embeddings server has shown so far: whether it works at all, and what it needs.
final class ServerExperience: Sendable {
    private struct State {
        var hasAnswered = false
        var refusesSince: Duration?
        var needsDimensions = false
    }

    /// So long a server that has answered before may refuse without a reason: longer than a rolling update, a reload of a proxy
    /// or a failover takes, and short enough that a wrong address is noticed.
    static let refusalMax = Duration.seconds(120)

    private let state = Mutex(State())
    private let time: Time

    init(time: Time) { self.time = time }

    /// Whether vectors are of the wanted length only when the request asks for it.
    ///
    /// So it is with a deployment whose name does not tell its model.
    var needsDimensions: Bool { state.withLock { $0.needsDimensions } }

    /// The server gives the wanted length when it is asked.
    func noteNeedOfDimensions() { state.withLock { $0.needsDimensions = true } }

    /// The server has answered as it should.
    func noteAnswer() {
        state.withLock {
            $0.hasAnswered = true
            $0.refusesSince = nil
        }
    }

    /// What a refusal means, by what came before it.
    ///
    /// Before the first answer, or with a reason, it is what it says. After that, a refusal that names no reason comes from what
    /// stands before the server while it is exchanged: for two minutes an outage.
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
