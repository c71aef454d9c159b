package import Migration
import TextProcessing

/// What became of the rows and of their points: I18 and I21 while it happens.
///
/// Shares no code with the engine's decisions: it keeps what really happened.
package struct RecordHistory: Sendable {
    /// The point of a text, and the version that it is of.
    private struct Target {
        let record: RecordID
        let point: PointID
        let checksum: String
    }

    /// Rows that somebody has changed, added or deleted: of them nothing exact can be said.
    package private(set) var changed: Set<RecordID> = []
    /// Rows that were inserted meanwhile; nothing else has happened to them unless they are among the changed ones, too.
    package private(set) var arrived: Set<RecordID> = []
    /// Rows that were deleted between their plan and any claim.
    package private(set) var vanished: Set<RecordID> = []
    /// Rows that were deleted at any time.
    package private(set) var deleted: Set<RecordID> = []
    /// The points that the rows must have, as they are now.
    package private(set) var shapes: [RecordID: RecordPoints] = [:]
    /// By the texts that may be embedded.
    private var targets: [String: Target] = [:]
    /// Since when a point of some version is there.
    private var present: [PointID: (checksum: String, at: Int64)] = [:]
    /// The records of which all points, as their rows are now, were there once.
    private var complete: Set<RecordID> = []

    package init() {}

    // MARK: - Rows

    /// A row with this text is there.
    package mutating func learn(_ points: RecordPoints) {
        shapes[points.id] = points
        for child in points.children {
            targets[child.text] = Target(record: points.id, point: child.id, checksum: points.checksum)
        }
    }

    /// Somebody has changed, added or deleted a row.
    package mutating func hasChanged(_ id: RecordID, isDeleted: Bool) {
        changed.insert(id)
        forget(id, isDeleted: isDeleted)
    }

    /// Somebody has inserted a row that was not there before.
    package mutating func arrives(_ id: RecordID) { arrived.insert(id) }

    /// Somebody has deleted a row before anybody could read it.
    package mutating func vanishes(_ id: RecordID) {
        vanished.insert(id)
        forget(id, isDeleted: true)
    }

    private mutating func forget(_ id: RecordID, isDeleted: Bool) {
        if isDeleted { deleted.insert(id) }
        complete.remove(id)
        shapes[id] = nil
    }

    /// The record of a text.
    package func owner(of text: String) -> RecordID? { targets[text]?.record }

    // MARK: - Points

    package mutating func wereWritten(_ points: [Point], at now: Int64) {
        // Indices, because the loop variable would be a copy.
        for place in points.indices where present[points[place].id]?.checksum != points[place].checksum {
            present[points[place].id] = (points[place].checksum, now)
        }
    }

    package mutating func wereDeleted(_ points: [StoredPoint]) {
        for place in points.indices where present[points[place].id]?.checksum == points[place].checksum {
            present[points[place].id] = nil
        }
    }

    /// Whether all points of a record were there once.
    package func wasComplete(_ id: RecordID) -> Bool { complete.contains(id) }

    /// All points of a record are there.
    package mutating func becomesComplete(_ id: RecordID) { complete.insert(id) }

    /// I18: old points go only when the new ones are there; points were deleted of a record that is not complete.
    ///
    /// Processes may read a row as it was some time ago where they read from a replica that lags.
    package mutating func breach(byDeletingFrom id: RecordID, isReplicated: Bool) -> Finding? {
        // Of a row that has changed only what was there can be missed: its new text may not have been read yet.
        if changed.contains(id), !complete.contains(id) || isReplicated { return nil }
        complete.remove(id)
        return Finding(18, "points of record \(id) are deleted before the right ones are there")
    }

    // MARK: - Texts

    /// A text whose point is there.
    package struct PresentText: Sendable {
        package let record: RecordID
        let point: PointID
        let since: Int64
    }

    /// What there is of a text that is sent to the embedder; nil where its point has to be written.
    package func present(_ text: String) -> PresentText? {
        guard let target = targets[text], let there = present[target.point], there.checksum == target.checksum else {
            return nil
        }
        return PresentText(record: target.record, point: target.point, since: there.at)
    }
}

extension RecordHistory.PresentText {
    /// I21: nobody pays for a text whose point was there before the attempt began, with the lists of its record.
    ///
    /// The process works on the record under this lease.
    package func breach(
        byPayingAgain process: String,
        under lease: AttemptLease,
        _ traffic: RecordTraffic
    ) -> Finding? {
        guard since < lease.claimed, !traffic.wasUneven(point, since: lease.claimed) else { return nil }
        return Finding(
            21,
            "a text of record \(record) is paid again by \(process), but its point was there before its claim"
        )
    }
}
