/// Records that have no text when they are read: rows that are not there, and rows that are blank.
///
/// A row that is not there may be one that a lagging replica does not have yet, so it is read a second time after everything else
/// of the batch. What has no text then loses its points. The order makes a late deletion harmless: first the points are seen,
/// then the row is read again, then exactly the points that were seen are deleted, each only while it still carries the checksum
/// and the profile that were seen. What somebody writes after the first look is not among them.
extension BatchWork {
    /// What the portions of a batch add up to.
    struct Tally {
        private(set) var counts = BatchCounts()
        private(set) var failures: [FailedRecord] = []
        /// Records whose points were deleted because they have no text any more; each is skipped or missing in the counts, too.
        private var removed = 0
        /// Records that must be read a second time, in the batch's order.
        var doubtful: [RecordID] = []
        /// Their points of this source, as they were seen before the second look.
        private(set) var seen: [RecordID: [StoredPoint]] = [:]
        /// Records with suspects that were not settled, in the batch's order.
        var left: [RecordID] = []
        /// When the last of them was read.
        private(set) var readAt = Duration.zero

        /// Adds a portion that is done.
        mutating func add(_ portion: Portion) {
            let (machine, ids) = (portion.machine, portion.ids)
            counts = counts + machine.counts
            failures += machine.failures
            removed += machine.removed
            left += portion.left.map { ids[$0] }
            counts.removed = removed
            let places = machine.doubtful
            if places.isEmpty { return }
            doubtful += places.map { ids[$0] }
            for place in places { seen[ids[place]] = portion.seen[ids[place]] }
            readAt = max(readAt, portion.readAt)
        }
    }

    /// Reads records a second time: those that are there now are migrated as all others, the rest loses its points.
    ///
    /// Their texts were not there when the batch was cut into portions, so these are cut anew.
    func lookAgain(at doubtful: [RecordID], _ survey: Survey, into tally: inout Tally) async throws(WorkEnd) {
        if doubtful.isEmpty { return }
        let now = caller.ports.time.now
        let first = tally.readAt
        // A lease so short that half of it is no gap gets half of it: a longer wait would give the batch back, each time.
        let wait = min(caller.state.withSecondLook { $0.wait(since: first, at: now) }, caller.permit.waitMax)
        try await caller.wait(for: wait, by: .source)
        let absent = tally.counts.missing + tally.counts.skipped
        try await work(on: doubtful, .second, survey, into: &tally)
        let isAbsent = tally.counts.missing + tally.counts.skipped - absent
        if isAbsent < doubtful.count { caller.state.withSecondLook { $0.foundLateRow() } }
    }
}
