import Migration
import TextProcessing

/// Reads a sample of the table and scales it up; writes nothing.
struct PlanEstimator: Sendable {
    /// Enough for a mean within a few per cent of the texts' variation, and read within a second.
    private static let sampleSize = 1_000

    let source: any RecordSource
    let shaper: RecordShaper
    let sparseEncoder: SparseEncoder

    init(source: any RecordSource, shaper: RecordShaper, sparseEncoder: SparseEncoder) {
        self.source = source
        self.shaper = shaper
        self.sparseEncoder = sparseEncoder
    }

    init(_ shaping: PointShaping, source: any RecordSource) {
        self.init(source: source, shaper: shaping.shaper, sparseEncoder: shaping.sparseEncoder)
    }

    /// The number of records and a sample of them; nil for an empty table.
    func measure(limit: Int?) async throws -> (records: Int64, sample: CostEstimate.Sample)? {
        let upper = try await patiently { () async throws(PortFailure) in try await source.highestID() }
        guard let upper else { return nil }
        let count = try await patiently { () async throws(PortFailure) in try await source.count(through: upper) }
        let rows = try await patiently { () async throws(PortFailure) in try await source.sample(Self.sampleSize) }
        guard !rows.isEmpty else { return nil }
        var tally = Tally()
        for row in rows { tally.add(shaper.shape(row), sparseEncoder) }
        return (min(count, limit.map(Int64.init) ?? count), tally.sample)
    }

    private struct Tally {
        var (records, unusable, bytes, tokens, chunks, terms) = (0, 0, 0, 0, 0, 0)

        mutating func add(_ shape: RecordShaper.Shape, _ encoder: SparseEncoder) {
            records += 1
            switch shape {
            case .blank, .failed: unusable += 1
            case .points(let points):
                bytes += points.parents.reduce(0) { $0 + $1.text.utf8.count }
                tokens += points.children.reduce(0) { $0 + $1.tokens }
                chunks += points.children.count
                terms += points.children.reduce(0) { $0 + encoder.terms($1.text).count }
            }
        }

        var sample: CostEstimate.Sample {
            CostEstimate.Sample(
                records: records,
                unusable: unusable,
                bytes: bytes,
                tokens: tokens,
                chunks: chunks,
                sparseTerms: terms
            )
        }
    }
}
