import Migration
import TextProcessing

/// `migrate search`: one query to the collection.
struct SearchSession: Sendable {
    let embedder: any Embedder
    let points: any PointStore
    let encoder: SparseEncoder

    func ask(_ question: String, member: String?, limit: Int) async throws -> [ScoredPoint] {
        let answer = try await patiently { () async throws(PortFailure) in try await embedder.embed([question]) }
        let query = HybridQuery(
            dense: answer.vectors[0],
            sparse: encoder.query(question),
            memberCode: member,
            limit: limit
        )
        return try await patiently { () async throws(PortFailure) in try await points.search(query) }
    }
}
