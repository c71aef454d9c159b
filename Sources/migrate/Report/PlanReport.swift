import Migration
import Terminal
import TextProcessing

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
              mean      \(Format.short(meanBytes)) bytes, \(Format.short(meanTokens)) tokens per record
              children  about \(Format.count(chunks)), \(Format.short(meanSparseTerms)) terms each (SPARSE_AVG_LENGTH)
              requests  about \(Format.count(requests))
              tokens    about \(Format.count(tokens))
              cost      about \(Format.dollars(cost))
              time      \(time)
            """
    }
}
