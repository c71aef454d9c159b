import Migration

/// The embedder of a command that embeds nothing.
struct AbsentEmbedder: Embedder {
    func embed(_ texts: [String], within limit: Duration?) async throws(PortFailure) -> Embeddings {
        throw PortFailure(.rejected, "this command embeds nothing")
    }
}
