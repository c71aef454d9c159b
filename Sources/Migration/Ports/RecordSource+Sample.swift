extension RecordSource {
    /// Reads some records that are spread over the whole range of ids, for an estimate; the same rows give the same
    /// sample.
    ///
    /// From evenly spaced starting points it takes the next existing ids: a few index look-ups, whatever the size of
    /// the table. Where ids are dense, the sample is dense too.
    ///
    /// - Parameter count: at most this many, 1…1,000.
    /// - Returns: records ascending by id; empty when there is no row.
    /// - Throws: as `highestID`.
    package func sample(_ count: Int) async throws(PortFailure) -> [SourceRecord] {
        precondition((1...1_000).contains(count))
        guard let upper = try await highestID(),
            let lower = try await ids(after: nil, through: upper, limit: 1).first
        else { return [] }
        let points = min(count, 50)
        // The distance between two ids may need 64 unsigned bits.
        let step = UInt64(bitPattern: upper &- lower) / UInt64(points)
        var chosen: [RecordID] = []
        for point in 0..<points {
            let start = lower &+ Int64(bitPattern: step * UInt64(point))
            let before = start == .min ? nil : start - 1
            let cursor = [before, chosen.last].compactMap(\.self).max()
            let wanted = (count - chosen.count) / (points - point)
            if wanted > 0 { chosen += try await ids(after: cursor, through: upper, limit: wanted) }
        }
        var records: [SourceRecord] = []
        for start in stride(from: 0, to: chosen.count, by: 100) {
            records += try await self.records(Array(chosen[start..<min(start + 100, chosen.count)]))
        }
        return records
    }
}
