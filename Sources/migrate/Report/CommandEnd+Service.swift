import Engine
import Migration
import Terminal

extension CommandEnd {
    /// The end because of a service that could not be used, with its name and the matching exit code.
    init(_ failure: ServiceFailure) {
        if failure.failure.code == ServiceFailure.brakedCode {
            // The service itself is well.
            self.init(.incomplete, "nothing more was deleted: \(failure.failure.detail)")
            return
        }
        let status = ExitStatus(failure.failure.kind)
        self.init(
            status,
            status == .stopped ? failure.failure.detail : "\(failure.service.words): \(failure.failure.detail)"
        )
    }
}

extension Service {
    /// The name at the beginning of a sentence.
    var words: String {
        switch self {
        case .source: "MySQL"
        case .store: "The tracking store"
        case .embedder: "The embedder"
        case .points: "Qdrant"
        }
    }
}
