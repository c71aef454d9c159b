import Migration
import TextProcessing

/// Reads a sample of the table and scales it up; writes nothing.
struct PlanEstimator: Sendable {
    /// Enough for a mean within a few per cent of what texts vary, and read in a second.
    private static let sampleSize = 1_000

    let source: any RecordSource
    let shaper: RecordShaper
    let sparseEncoder: SparseEncoder

    /// How many records there are, and what a sample of them is like; nil for an empty table.
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

/// The answer of `migrate plan`.
struct PlanReport: Encodable {
    let table: String
    let records: Int64
    let batches: Int64
    let sampleRecords: Int
    let sampleUnusable: Int
    let meanBytes: Double
    let meanTokens: Double
    let chunks: Int64
    let requests: Int64
    let tokens: Int64
    let cost: Double
    let hours: Double?
    let meanSparseTerms: Double

    init(table: String, estimate: CostEstimate, sample: CostEstimate.Sample) {
        self.table = table
        records = estimate.records
        batches = estimate.batches
        sampleRecords = sample.records
        sampleUnusable = sample.unusable
        meanBytes = estimate.meanBytes
        meanTokens = estimate.meanTokens
        chunks = estimate.chunks
        requests = estimate.requests
        tokens = estimate.tokens
        cost = estimate.cost
        hours = estimate.hours
        meanSparseTerms = estimate.meanSparseTerms
    }

    var text: String {
        let unusable = Double(sampleUnusable) / Double(max(sampleRecords, 1)) * 100
        let time =
            hours.map { "\(Format.duration(.seconds($0 * 3_600))) at OPENAI_TPM" }
            ?? "unknown; set OPENAI_TPM for an estimate"
        return """
            \(table): a plan, nothing is written
              records   \(Format.count(records)) in \(Format.plural(batches, "batch", "batches"))
              sample    \(Format.plural(Int64(sampleRecords), "record")), \(Format.decimal(unusable, 1)) % blank or not usable
              mean      \(Format.short(meanBytes)) bytes, \(Format.short(meanTokens)) tokens a record
              children  about \(Format.count(chunks)), \(Format.short(meanSparseTerms)) terms each (SPARSE_AVG_LENGTH)
              requests  about \(Format.count(requests))
              tokens    about \(Format.count(tokens))
              cost      about \(Format.dollars(cost))
              time      \(time)
            """
    }
}
