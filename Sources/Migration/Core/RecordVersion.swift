package import TextProcessing

/// What is to be done about a record's points, given what the collection holds.
package enum RecordVersion: Sendable, Equatable {
    /// Exactly the expected points are there, all of this version: nothing is paid.
    case unchanged
    /// The expected points are there, and older ones beside them: the worker that wrote them died before these were deleted. They go,
    /// and nothing is paid.
    case outlived(stale: [StoredPoint])
    /// The expected points that are not `there` must be written; then the older ones go, exactly as they were seen.
    case replaced(stale: [StoredPoint], there: Set<PointID>)

    /// Compares the expected points of a record with the ones found (ingest.md §6).
    ///
    /// - Parameters:
    ///   - expected: the ids the record's text gives.
    ///   - checksum: the record's checksum.
    ///   - profile: the profile of this job.
    ///   - found: all points whose payload names the record.
    /// - Returns: whether there is anything to do.
    package static func compare(
        expected: [PointID],
        checksum: String,
        profile: String,
        found: [StoredPoint]
    ) -> RecordVersion {
        let wanted = Set(expected)
        let current = found.filter { wanted.contains($0.id) && $0.checksum == checksum && $0.profile == profile }
        let stale = found.filter { !wanted.contains($0.id) }
        let there = Set(current.map(\.id))
        if there.count < wanted.count { return .replaced(stale: stale, there: there) }
        return stale.isEmpty ? .unchanged : .outlived(stale: stale)
    }

    /// The points of this version that lack the source: they are marked, never written again for it.
    package static func unmarked(
        expected: [PointID],
        checksum: String,
        profile: String,
        found: [StoredPoint]
    ) -> [StoredPoint] {
        guard found.contains(where: { $0.source == nil }) else { return [] }
        let wanted = Set(expected)
        return found.filter {
            $0.source == nil && wanted.contains($0.id) && $0.checksum == checksum && $0.profile == profile
        }
    }
}
