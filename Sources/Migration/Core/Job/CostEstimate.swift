/// An estimate of what a migration needs, before it starts.
package struct CostEstimate: Sendable, Equatable {
    /// The sums over a sample of records.
    package struct Sample: Sendable, Equatable {
        package let records: Int
        /// Records that are blank or cannot be migrated.
        package let unusable: Int
        /// UTF-8 bytes of the normalised texts.
        package let bytes: Int
        /// Exact tokens that would be embedded: all children, overlaps included.
        package let tokens: Int
        /// Children.
        package let chunks: Int
        /// Terms of the sparse vectors, for the measured average length.
        package let sparseTerms: Int

        package init(records: Int, unusable: Int, bytes: Int, tokens: Int, chunks: Int, sparseTerms: Int) {
            self.records = records
            self.unusable = unusable
            self.bytes = bytes
            self.tokens = tokens
            self.chunks = chunks
            self.sparseTerms = sparseTerms
        }
    }

    package let records: Int64
    package let batches: Int64
    package let meanBytes: Double
    package let meanTokens: Double
    package let tokens: Int64
    package let chunks: Int64
    package let requests: Int64
    /// In the currency of the price.
    package let cost: Double
    /// At the account's quota; nil if the tokens per minute are not known.
    package let hours: Double?
    /// Mean number of terms in a child's sparse vector: a value for `SPARSE_AVG_LENGTH`.
    package let meanSparseTerms: Double

    /// Scales a sample up to all records.
    ///
    /// - Parameters:
    ///   - records: all records of the plan.
    ///   - sample: at least one record.
    ///   - batchSize: records per batch.
    ///   - limits: limits of one embedding request.
    ///   - pricePerMillion: price per million tokens.
    ///   - quota: tokens per minute, of which 97.5 % are used (the quota's share).
    package init(
        records: Int64,
        sample: Sample,
        batchSize: Int,
        limits: RequestLimits,
        pricePerMillion: Double,
        quota: Int?
    ) {
        let count = Double(max(sample.records, 1))
        self.records = records
        batches = records / Int64(batchSize) + (records % Int64(batchSize) > 0 ? 1 : 0)
        meanBytes = Double(sample.bytes) / count
        meanTokens = Double(sample.tokens) / count
        tokens = Int64(clamping: meanTokens * Double(records))
        chunks = Int64(clamping: Double(sample.chunks) / count * Double(records))
        meanSparseTerms = Double(sample.sparseTerms) / Double(max(sample.chunks, 1))
        let requestsPerBatch = max(
            1,
            (meanTokens * Double(batchSize) / Double(limits.tokensMax)).rounded(.up),
            (Double(sample.chunks) / count * Double(batchSize) / Double(limits.inputsMax)).rounded(.up)
        )
        requests = Int64(clamping: requestsPerBatch * Double(batches))
        cost = Double(tokens) / 1e6 * pricePerMillion
        let total = Double(tokens)
        hours = quota.map { total / (Double($0) * 0.975) / 60 }
    }
}

extension Int64 {
    /// The nearest whole number that fits: a count that another program states may be of any size.
    fileprivate init(clamping number: Double) {
        self = number.isNaN ? 0 : Int64(exactly: number.rounded()) ?? (number < 0 ? .min : .max)
    }
}
