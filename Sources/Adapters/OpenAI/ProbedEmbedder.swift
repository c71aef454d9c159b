package import Migration
import Synchronization

/// An embedder that probes its server before it pays for the first real texts.
///
/// Some compatible servers silently cut off the end of a long text, or answer with fewer dimensions; the points would
/// look right and searches would find nothing. A run that embeds nothing sends no probe.
package final class ProbedEmbedder: Embedder, Inspectable {
    private let embedder: OpenAIEmbedder
    private let isGood = Mutex(false)
    /// Lent to the worker that probes, so that workers that start together probe only once.
    private let turn = ResourcePool<Bool>(limit: 1) { () async throws(PortFailure) in true }

    package init(_ embedder: OpenAIEmbedder) { self.embedder = embedder }

    package func embed(_ texts: [String], within limit: Duration?) async throws(PortFailure) -> Embeddings {
        if !isGood.withLock({ $0 }) { try await probe() }
        return try await embedder.embed(texts, within: limit)
    }

    package func inspection() async throws(PortFailure) -> Inspection { try await embedder.inspection() }

    /// - Throws: `unauthorised` when the server's vectors cannot be used, or it refuses: this would happen to every
    ///   record.
    private func probe() async throws(PortFailure) {
        try await turn.use { (_) async throws(PortFailure) in
            if isGood.withLock({ $0 }) { return }
            let problems: [String]
            do throws(PortFailure) {
                problems = try await embedder.probe().problems
            } catch  where error.kind == .rejected {
                // The answer to one good word is about the server: no record must fail because of it.
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
