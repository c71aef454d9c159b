package import Migration
import TextProcessing

/// The history of the rows and of their points: I18 and I21 while it happens.
///
/// It shares no code with the engine's decisions: it records what really happened.
package struct RecordHistory: Sendable {
    /// The point of a text, and the version to which it belongs.
    private struct Target: Sendable {
        let record: RecordID
        let point: PointID
        let checksum: String
    }

    /// Rows that another application has changed, added or deleted: nothing exact can be said about them.
    package private(set) var changed: Set<RecordID> = []
    /// Rows that were inserted during the run; unless they are in `changed` too, nothing else has happened to them.
    package private(set) var arrived: Set<RecordID> = []
    /// Rows that were deleted after they were planned and before any claim.
    package private(set) var vanished: Set<RecordID> = []
    /// Rows that were deleted at any time.
    package private(set) var deleted: Set<RecordID> = []
    /// The points that the current rows must have.
    package private(set) var shapes: [RecordID: RecordPoints] = [:]
    /// The texts that may be embedded, with their points.
    private var targets: [String: Target] = [:]
    /// Further points of texts that several records have.
    private var others: [String: [Target]] = [:]
    /// Since when a point of some version exists.
    private var present: [PointID: (checksum: String, at: Int64)] = [:]
    /// The records of which all points, as their current rows demand, existed at some time.
    private var complete: Set<RecordID> = []

    package init() {}

    // MARK: - Rows

    /// A row with this text exists.
    package mutating func learn(_ points: RecordPoints) {
        shapes[points.id] = points
        for child in points.children {
            add(Target(record: points.id, point: child.id, checksum: points.checksum), to: child.text)
        }
    }

    private mutating func add(_ target: Target, to text: String) {
        guard let first = targets[text], first.record != target.record else {
            targets[text] = target
            return
        }
        others[text, default: []].removeAll { $0.record == target.record }
        others[text, default: []].append(target)
    }

    private func all(with text: String) -> [Target] { (targets[text].map { [$0] } ?? []) + (others[text] ?? []) }

    /// Another application has changed, added or deleted a row.
    package mutating func hasChanged(_ id: RecordID, isDeleted: Bool) {
        changed.insert(id)
        forget(id, isDeleted: isDeleted)
    }

    /// Another application has inserted a new row.
    package mutating func arrives(_ id: RecordID) { arrived.insert(id) }

    /// Another application has deleted a row before any process could read it.
    package mutating func vanishes(_ id: RecordID) {
        vanished.insert(id)
        forget(id, isDeleted: true)
    }

    private mutating func forget(_ id: RecordID, isDeleted: Bool) {
        if isDeleted { deleted.insert(id) }
        complete.remove(id)
        shapes[id] = nil
    }

    /// The record of a text; nil if several records have it.
    package func owner(of text: String) -> RecordID? { isShared(text) ? nil : targets[text]?.record }

    /// In most runs no text is.
    private func isShared(_ text: String) -> Bool { !others.isEmpty && others[text] != nil }

    /// Whether it is the text of a record.
    package func isKnown(_ text: String) -> Bool { targets[text] != nil }

    /// The records of a text.
    package func owners(of text: String) -> [RecordID] { all(with: text).map(\.record) }

    // MARK: - Points

    package mutating func wereWritten(_ points: [Point], at now: Int64) {
        // Indices, because a loop variable would be a copy.
        for place in points.indices where present[points[place].id]?.checksum != points[place].checksum {
            present[points[place].id] = (points[place].checksum, now)
        }
    }

    package mutating func wereDeleted(_ points: [StoredPoint]) {
        for place in points.indices where present[points[place].id]?.checksum == points[place].checksum {
            present[points[place].id] = nil
        }
    }

    /// Whether all points of a record existed at some time.
    package func wasComplete(_ id: RecordID) -> Bool { complete.contains(id) }

    /// All points of a record exist.
    package mutating func becomesComplete(_ id: RecordID) { complete.insert(id) }

    /// I18: old points are deleted only when the new ones exist; here points of an incomplete record were deleted.
    ///
    /// If processes read from a lagging replica, they may have read an earlier version of the row.
    package mutating func breach(byDeletingFrom id: RecordID, isReplicated: Bool) -> Finding? {
        // For a changed row only points that existed can be missed: its new text may not have been read yet.
        if changed.contains(id), !complete.contains(id) || isReplicated { return nil }
        complete.remove(id)
        return Finding(18, "points of record \(id) are deleted before the right ones are there")
    }

    // MARK: - Texts

    /// A text whose point exists.
    package struct PresentText: Sendable {
        package let record: RecordID
        let point: PointID
        let since: Int64
    }

    /// The existing points of a text that is sent to the embedder.
    package func present(_ text: String) -> [PresentText] {
        if isShared(text) { return all(with: text).compactMap(presence) }
        guard let target = targets[text], let there = presence(target) else { return [] }
        return [there]
    }

    /// The records for which a text has to be embedded.
    package func absent(_ text: String) -> [RecordID] {
        all(with: text).filter { presence($0) == nil }.map(\.record)
    }

    private func presence(_ target: Target) -> PresentText? {
        guard let there = present[target.point], there.checksum == target.checksum else { return nil }
        return PresentText(record: target.record, point: target.point, since: there.at)
    }
}

extension RecordHistory.PresentText {
    /// I21: no process pays for a text whose point, with the lists of its record, existed before the attempt began.
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
