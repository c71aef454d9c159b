package import Migration
package import TextProcessing

// I18 while it happens: what one process says and writes of records, against what it has read of them.

extension RecordTraffic {
    /// A batch is told as completed: what counts as missing was not there when it was read, what counts as skipped was blank.
    ///
    /// It compares what went over the network, so that it can be asked of rows that change, too. Records are `uncertain` that
    /// one of several workers may have read after another one.
    package func miscount(
        in call: FinishBatch,
        of batch: [RecordID],
        by process: String,
        uncertain: Set<RecordID>
    ) -> Finding? {
        guard let counts = call.counts else { return nil }
        let letters = Set(call.failedRecords.map(\.recordId))
        var (blank, absent, open) = (0, 0, 0)
        for id in batch where !letters.contains(id) {
            switch sight(of: id) {
            case _ where uncertain.contains(id): open += 1
            case .blank: blank += 1
            case .absent: absent += 1
            case .text: break
            case nil: open += 1
            }
        }
        if !(absent...absent + open).contains(counts.missing) {
            return Finding(
                18,
                "batch \(call.batchNumber) of \(process) counts \(counts.missing) records as missing, "
                    + "\(absent) were not there when it read them"
            )
        }
        if !(blank...blank + open).contains(counts.skipped) {
            return Finding(
                18,
                "batch \(call.batchNumber) of \(process) counts \(counts.skipped) records as skipped, "
                    + "\(blank) were blank when it read them"
            )
        }
        return nil
    }

    /// Points are sent with the lists that their own record had when the process last looked, which is just before it writes.
    package func wrongLists(of points: [Point], by process: String, workers: Int) -> Finding? {
        var last: Int?
        // Indices, because the loop variable would be a copy.
        for place in points.indices {
            let record = points[place].recordID
            if let last, points[last].recordID == record,
                points[last].collectionIDs == points[place].collectionIDs
            {
                continue
            }
            last = place
            if !hasSeen(Set(points[place].collectionIDs), of: record, workers: workers) {
                let lists = lists(of: record, workers: workers).first.map { "\($0.sorted())" }
                return Finding(
                    18,
                    "\(process) writes a point of record \(record) with the lists \(points[place].collectionIDs), "
                        + "its points have \(lists ?? "none that it looked at")"
                )
            }
            // Of two workers the one that has lost the record may hear of its vectors after the other one's look.
            if workers == 1, !isFresh(record) {
                return Finding(18, "\(process) writes record \(record) without a look at the lists of its points")
            }
        }
        return nil
    }

    /// Points arrive: a child after its parent, so that it never points to nothing.
    ///
    /// Of records whose rows have changed nothing is said. Asks `isThere` whether the collection has a point of a version.
    package func orphan(
        among points: [Point],
        by process: String,
        changed: Set<RecordID>,
        isThere: (_ id: PointID, _ checksum: String) -> Bool
    ) -> Finding? {
        var parents: Set<PointID> = []
        for place in points.indices {
            guard case .child(let parent, _, _, _) = points[place].body else {
                parents.insert(points[place].id)
                continue
            }
            if parents.contains(parent) || changed.contains(points[place].recordID) { continue }
            // What the collection has not taken may never come; its children are of use without it.
            if hasFailed(toWriteParent: parent) { continue }
            guard isThere(parent, points[place].checksum) else {
                return Finding(18, "\(process) writes a child of record \(points[place].recordID) before its parent")
            }
            parents.insert(parent)
        }
        return nil
    }
}
