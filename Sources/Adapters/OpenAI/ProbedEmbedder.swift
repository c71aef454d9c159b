package import Migration
import Synchronization

/// An embedder that looks at its server before it pays for the first real texts.
///
/// Compatible servers exist that leave out the end of a long text without a word, or answer with fewer dimensions; the points
/// would look right and find nothing. A run that embeds nothing asks nothing.
package final class ProbedEmbedder: Embedder, Inspectable {
    private let embedder: OpenAIEmbedder
    private let isGood = Mutex(false)
    /// Lent to whoever probes, so that workers that start together probe once.
    private let turn = ResourcePool<Bool>(limit: 1) { () async throws(PortFailure) in true }

    package init(_ embedder: OpenAIEmbedder) { self.embedder = embedder }

    package func embed(_ texts: [String], within limit: Duration?) async throws(PortFailure) -> Embeddings {
        if !isGood.withLock({ $0 }) { try await probe() }
        return try await embedder.embed(texts, within: limit)
    }

    package func inspection() async throws(PortFailure) -> Inspection { try await embedder.inspection() }

    /// - Throws: `unauthorised` when the server's vectors cannot be used, or it refuses: it would be so for every record.
    private func probe() async throws(PortFailure) {
        try await turn.use { (_) async throws(PortFailure) in
            if isGood.withLock({ $0 }) { return }
            let problems: [String]
            do throws(PortFailure) {
                problems = try await embedder.probe().problems
            } catch  where error.kind == .rejected {
                // What a server says to one good word is about the server: no record must fail for it.
                throw PortFailure(
                    .unauthorised,
                    "the embeddings server refuses a single word (\(error.detail)): check OPENAI_BASE_URL and the model",
                    code: "probe_refused"
                )
            }
            guard problems.isEmpty else {
                throw PortFailure(.unauthorised, problems.joined(separator: "; "), code: "unusable_vectors")
            }
            isGood.withLock { $0 = true }
        }
    }
}
