import Migration
import Synchronization

/// The texts that the workers of one runner embed, so that none of them is embedded twice.
///
/// `SharedTexts` decides; this class lets workers wait for each other.
final class TextExchange: Sendable {
    /// The texts of a request, taken by one worker.
    struct Claim {
        let request: Int
        let texts: [String]
        let standings: [SharedTexts.Standing]
    }

    enum Answer {
        /// Another worker embeds one of the texts; the signal is raised to `release` when it is done, however it ends.
        case wait(StopSignal)
        case taken(Claim)
    }

    private struct State {
        var texts = SharedTexts()
        var last = 0
        /// The ends of the requests that other workers may wait for.
        var ends: [Int: StopSignal] = [:]
    }

    private let state = Mutex(State())

    /// Takes the texts of a request; every claim must be ended.
    func take(_ texts: [String], mayWait: Bool) -> Answer {
        state.withLock { state in
            state.last += 1
            switch state.texts.take(texts, for: state.last, mayWait: mayWait) {
            case .wait(let request):
                let end = state.ends[request] ?? StopSignal()
                state.ends[request] = end
                return .wait(end)
            case .taken(let standings):
                return .taken(Claim(request: state.last, texts: texts, standings: standings))
            }
        }
    }

    /// The known vectors of texts, in order.
    func vectors(of texts: [String]) -> [[Float]?] {
        state.withLock { state in texts.map { state.texts.vector(of: $0) } }
    }

    /// Vectors are known: other workers may use them when the claim ends.
    func learn(_ vectors: [[Float]], of texts: [String]) {
        state.withLock { state in
            for (text, vector) in zip(texts, vectors) { state.texts.learn(vector, of: text) }
        }
    }

    /// Ends a claim: those who wait go on, and embed what has no vector yet by themselves.
    func end(_ claim: Claim) {
        let end = state.withLock { state in
            state.texts.end(claim.texts, of: claim.request)
            return state.ends.removeValue(forKey: claim.request)
        }
        end?.raise(.release)
    }
}
