import Migration

/// Records that have no text when they are read: rows that are not found, and blank rows.
///
/// A row that is not found may be missing only on a lagging replica, so it is read a second time after everything else
/// of the batch. If it still has no text, it loses its points. The order makes a late deletion harmless: first the
/// points are read, then the row is read again, then exactly the points that were read are deleted, each only while it
/// still has the checksum and the profile that were read. Points that another application writes after the first look
/// are not among them.
extension BatchWork {
    /// The sums over the portions of a batch.
    struct Tally {
        private(set) var counts = BatchCounts()
        private(set) var failures: [FailedRecord] = []
        /// Records whose points were deleted because they have no text any more; each also counts as skipped or
        /// missing.
        private var removed = 0
        /// Records that must be read a second time, in the batch's order.
        var doubtful: [RecordID] = []
        /// Their points of this source, as they were read before the second look.
        private(set) var seen: [RecordID: [StoredPoint]] = [:]
        /// Records with unsettled suspects, in the batch's order.
        var left: [RecordID] = []
        /// When the last of them was read.
        private(set) var readAt = Duration.zero

        /// Adds a completed portion.
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

    /// Reads records a second time: those that are found now are migrated like all others, the rest lose their points.
    ///
    /// Their texts did not exist when the batch was cut into portions, so these records are cut into portions again.
    func lookAgain(at doubtful: [RecordID], _ survey: Survey, into tally: inout Tally) async throws(WorkEnd) {
        if doubtful.isEmpty { return }
        let now = caller.ports.time.now
        let first = tally.readAt
        // If half of the lease is shorter than the gap, the wait is that half: a longer wait would give the batch back
        // each time.
        let wait = min(caller.state.withSecondLook { $0.wait(since: first, at: now) }, caller.permit.waitMax)
        try await caller.wait(for: wait, by: .source)
        let absent = tally.counts.missing + tally.counts.skipped
        try await work(on: doubtful, .second, survey, into: &tally)
        let isAbsent = tally.counts.missing + tally.counts.skipped - absent
        if isAbsent < doubtful.count { caller.state.withSecondLook { $0.foundLateRow() } }
    }
}
