package import TextProcessing

/// What to do about a record's points, given what the collection holds.
package enum RecordVersion: Sendable, Equatable {
    /// Exactly the expected points exist, all of this version: nothing has to be paid.
    case unchanged
    /// The expected points exist, and older ones too: the worker that wrote them died before it deleted the older ones.
    /// These are deleted, and nothing has to be paid.
    case outlived(stale: [StoredPoint])
    /// The expected points that are not `there` must be written; then the older ones are deleted, exactly as they were
    /// seen.
    case replaced(stale: [StoredPoint], there: Set<PointID>)

    /// Points of the record that do not belong to its text.
    package var stale: [StoredPoint] {
        switch self {
        case .unchanged: []
        case .outlived(let stale), .replaced(let stale, _): stale
        }
    }

    /// Whether one of the expected points exists with the expected content.
    package func has(_ id: PointID) -> Bool {
        switch self {
        case .unchanged, .outlived: true
        case .replaced(_, let there): there.contains(id)
        }
    }

    /// Compares the expected points of a record with the ones found.
    ///
    /// - Parameters:
    ///   - expected: the point ids for the record's text.
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

    /// The points of this version that lack the source: they are only marked, not written again.
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
    /// Whether this point belongs to a text and a profile.
    package func isOf(checksum: String, profile: String) -> Bool {
        self.checksum == checksum && self.profile == profile
    }
}
