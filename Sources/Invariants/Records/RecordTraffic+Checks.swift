package import Migration
package import TextProcessing

// I18 while it happens: what one process reports and writes about records, compared with what it has read.

extension RecordTraffic {
    /// A process reports a batch as completed: rows that count as missing did not exist when they were read, and rows
    /// that count as skipped were blank.
    ///
    /// It compares what went over the network, so it also covers rows that change. A record is `uncertain` if one of
    /// several workers may have read it after another.
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

    /// Points are sent with the lists that their record had when the process last looked, just before it writes.
    package func wrongLists(of points: [Point], by process: String, workers: Int) -> Finding? {
        var last: Int?
        // Indices, because a loop variable would be a copy.
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
            // With two workers, the one that has lost the record may get its vectors after the other one's look.
            if workers == 1, !isFresh(record) {
                return Finding(18, "\(process) writes record \(record) without a look at the lists of its points")
            }
        }
        return nil
    }

    /// Points arrive: a parent before its children, so that no child points to nothing.
    ///
    /// Records whose rows have changed are not checked. `isThere` tells whether the collection has a point of a
    /// version.
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
            // A parent that the collection has not accepted may never come; its children are useful without it.
            if hasFailed(toWriteParent: parent) { continue }
            guard isThere(parent, points[place].checksum) else {
                return Finding(18, "\(process) writes a child of record \(points[place].recordID) before its parent")
            }
            parents.insert(parent)
        }
        return nil
    }
}
