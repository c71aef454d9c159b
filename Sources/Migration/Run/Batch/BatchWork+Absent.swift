/// Records that have no text when they are read: rows that are not there, and rows that are blank.
///
/// A row that is not there may be one that a lagging replica does not have yet, so it is read a second time after everything else
/// of the batch. What has no text then loses its points. The order makes a late deletion harmless: first the points are seen,
/// then the row is read again, then exactly the points that were seen are deleted, each only while it still carries the checksum
/// and the profile that were seen. What somebody writes after the first look is not among them.
extension BatchWork {
    /// What the portions of a batch add up to.
    struct Tally {
        var counts = BatchCounts()
        var failures: [FailedRecord] = []
        /// Records whose points were deleted because they have no text any more; each is skipped or missing in the counts, too.
        var removed = 0
        /// Records that must be read a second time, in the batch's order.
        var doubtful: [RecordID] = []
        /// Their points of this source, as they were seen before the second look.
        var seen: [RecordID: [StoredPoint]] = [:]
        /// Records with suspects that were not settled, in the batch's order.
        var left: [RecordID] = []
        /// When the last of them was read.
        var readAt = Duration.zero

        /// Adds a portion that is done.
        mutating func add(
            _ machine: BatchStateMachine,
            of ids: [RecordID],
            left suspects: [Int],
            seen points: [RecordID: [StoredPoint]],
            readAt time: Duration
        ) {
            counts = counts + machine.counts
            failures += machine.failures
            removed += machine.removed
            left += suspects.map { ids[$0] }
            counts.removed = removed
            let places = machine.doubtful
            if places.isEmpty { return }
            doubtful += places.map { ids[$0] }
            for place in places { seen[ids[place]] = points[ids[place]] }
            readAt = max(readAt, time)
        }
    }

    /// Reads records a second time: those that are there now are migrated as all others, the rest loses its points.
    ///
    /// Their texts were not there when the batch was cut into portions, so these are cut anew.
    func lookAgain(at doubtful: [RecordID], into tally: inout Tally) async throws(WorkEnd) {
        if doubtful.isEmpty { return }
        let now = ports.time.now
        let first = tally.readAt
        // A lease so short that half of it is no gap gets half of it: a longer wait would give the batch back, each time.
        let wait = min(state.withSecondLook { $0.wait(since: first, at: now) }, permit.waitMax)
        try await self.wait(for: wait, by: .source)
        let absent = tally.counts.missing + tally.counts.skipped
        for portion in try await part(doubtful).portions() {
            try await part(portion).runPortion(.second, into: &tally)
        }
        let isAbsent = tally.counts.missing + tally.counts.skipped - absent
        if isAbsent < doubtful.count { state.withSecondLook { $0.foundLateRow() } }
    }

    /// Deletes the points that were seen of records which have no text.
    func remove(
        _ places: [Int],
        seen: [RecordID: [StoredPoint]]
    ) async throws(WorkEnd) -> BatchStateMachine.Event {
        let holding = places.filter { !(seen[ids[$0]] ?? []).isEmpty }
        let points = holding.flatMap { seen[ids[$0]] ?? [] }
        guard !points.isEmpty else { return .removed(holding: []) }
        try await mayRemove(holding.count)
        try await delete(points)
        ports.report(.pointsRemoved(records: holding.count, points: points.count))
        return .removed(holding: holding)
    }

    /// Asked just before the points of so many records are deleted because these have no text any more; it may end the work.
    func mayRemove(_ count: Int) async throws(WorkEnd) { try await permit.mayRemove(count) }
}

extension BatchWork.Plan {
    /// The points that may go with their record: those that carry our source.
    func removable(_ points: [StoredPoint]) -> [StoredPoint] { points.filter(owner.mayRemove) }
}
