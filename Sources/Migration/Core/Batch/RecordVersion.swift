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

    /// Points of the record that its text does not give.
    package var stale: [StoredPoint] {
        switch self {
        case .unchanged: []
        case .outlived(let stale), .replaced(let stale, _): stale
        }
    }

    /// Whether one of the expected points is there as expected.
    package func has(_ id: PointID) -> Bool {
        switch self {
        case .unchanged, .outlived: true
        case .replaced(_, let there): there.contains(id)
        }
    }

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
        let current = found.filter { wanted.contains($0.id) && $0.isOf(checksum: checksum, profile: profile) }
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
            $0.source == nil && wanted.contains($0.id) && $0.isOf(checksum: checksum, profile: profile)
        }
    }
}

extension StoredPoint {
    /// Whether this is a point of a text and a profile.
    package func isOf(checksum: String, profile: String) -> Bool {
        self.checksum == checksum && self.profile == profile
    }
}
