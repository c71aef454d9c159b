/// How the ids of the source become batches, page by page.
package struct PlanPaging: Sendable, Equatable {
    /// Records per batch.
    package let batchSize: Int
    /// The highest number of records in the whole plan; nil = all.
    package let limit: Int?

    /// The highest number of ids per page.
    package let idsMax: Int

    /// The highest number of ids that one call should carry.
    ///
    /// Measured on MySQL, pages of 10,000 cost little more than a stream and leave nothing open. A page of 10,000
    /// 19-digit ids is 200 kB of JSON, far below the 1 MB of one append.
    package static let idsMax = 10_000

    package init(batchSize: Int, limit: Int?, idsMax: Int = Self.idsMax) {
        precondition(batchSize > 0)
        self.batchSize = batchSize
        self.limit = limit
        self.idsMax = idsMax
    }

    /// The number of ids to read for the next page: a whole number of batches, and no more than the limit leaves.
    ///
    /// 0 = the plan is full.
    package func pageSize(planned: Int64) -> Int {
        let whole = max(1, idsMax / batchSize) * batchSize
        guard let limit else { return whole }
        return min(whole, max(0, Int(clamping: Int64(limit) - planned)))
    }

    /// Cuts a page of ids into batches.
    package func batches(_ ids: [RecordID]) -> [[RecordID]] {
        stride(from: 0, to: ids.count, by: batchSize).map { Array(ids[$0..<min($0 + batchSize, ids.count)]) }
    }
}
