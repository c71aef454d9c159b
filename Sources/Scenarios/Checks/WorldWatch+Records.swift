import Fakes
import Migration
import Simulation
import TextProcessing

/// What a process may say of a record, and write of it: I18 while it happens.
extension WorldWatch {
    /// A batch is told as completed: what counts as missing was not there when it was read, what counts as skipped was blank.
    ///
    /// It compares what went over the network, so that it can be asked of rows that change, too.
    func finishIsTold(_ call: FinishBatch, by process: SimulatedProcess) {
        guard call.outcome == .completed, let counts = call.counts else { return }
        let letters = Set(call.failedRecords.map(\.recordId))
        let batch = world.store.read { tables in
            tables.index(of: call.job).map { tables.jobs[$0].batches[call.batchNumber].recordIDs } ?? []
        }
        var (blank, absent, open) = (0, 0, 0)
        for id in batch where !letters.contains(id) {
            switch process.traffic.sight(of: id) {
            // Its two workers may have had the batch one after the other.
            case _ where process.settings.workers > 1 && hasChanged(id): open += 1
            case .blank: blank += 1
            case .absent: absent += 1
            case .text: break
            case nil: open += 1
            }
        }
        let name = "batch \(call.batchNumber) of \(process.name)"
        if !(absent...absent + open).contains(counts.missing) {
            fail(
                "I18",
                "\(name) counts \(counts.missing) records as missing, \(absent) were not there when it read them"
            )
        }
        if !(blank...blank + open).contains(counts.skipped) {
            fail("I18", "\(name) counts \(counts.skipped) records as skipped, \(blank) were blank when it read them")
        }
    }

    /// Points are sent with the lists that their own record had when the process last looked, which is just before it writes.
    func listsAreSent(_ points: [Point], by process: SimulatedProcess) {
        var last: Point?
        for point in points {
            if let last, last.recordID == point.recordID, last.collectionIDs == point.collectionIDs { continue }
            last = point
            let known = process.traffic.lists(of: point.recordID, workers: process.settings.workers)
            if !known.contains(Set(point.collectionIDs)) {
                let lists = known.first.map { "\($0.sorted())" } ?? "none that it looked at"
                fail(
                    "I18",
                    "\(process.name) writes a point of record \(point.recordID) with the lists \(point.collectionIDs), "
                        + "its points have \(lists)"
                )
            }
            // Of two workers the one that has lost the record may hear of its vectors after the other one's look.
            if process.settings.workers == 1, !process.traffic.isFresh(point.recordID) {
                fail(
                    "I18",
                    "\(process.name) writes record \(point.recordID) without a look at the lists of its points"
                )
            }
        }
    }

    /// Points arrive: a child after its parent, so that it never points to nothing.
    func pointsLand(_ points: [Point], from process: SimulatedProcess) {
        var parents: Set<PointID> = []
        for point in points {
            guard case .child(let parent, _, _, _) = point.body else {
                parents.insert(point.id)
                continue
            }
            if parents.contains(parent) || hasChanged(point.recordID) { continue }
            // What the collection has not taken may never come; its children are of use without it.
            if process.traffic.hasFailed(toWriteParent: parent) { continue }
            guard world.points.all([parent], { $0["checksum"]?.string == point.checksum }) else {
                return fail("I18", "\(process.name) writes a child of record \(point.recordID) before its parent")
            }
            parents.insert(parent)
        }
    }
}

extension RecordTraffic {
    /// Since when the lists are known with which points are sent, by their records.
    func looks(at points: [Point]) -> [RecordID: Int64] {
        var began: [RecordID: Int64] = [:]
        for point in points where began[point.recordID] == nil {
            began[point.recordID] = look(at: point.recordID)?.began
        }
        return began
    }
}
