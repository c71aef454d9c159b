import Fakes
import Invariants
import Migration
import TextProcessing

/// Mistakes of a process about single records: their counts, points and lists.
extension Link {
    private var bug: PortBug? { world.portBug }

    /// The end of a batch as reported by a process that has miscounted.
    func miscounted(_ call: FinishBatch) -> FinishBatch {
        guard call.outcome == .completed, var counts = call.counts else { return call }
        var told = call
        switch bug {
        case .countsMissingAsSkipped: (counts.skipped, counts.missing) = (counts.skipped + counts.missing, 0)
        case .countsSkippedAsMissing: (counts.skipped, counts.missing) = (0, counts.skipped + counts.missing)
        case .losesEarlierFailures:
            told.failedRecords.removeAll { process.traffic.early.contains($0.recordId) }
            let lost = call.failedRecords.count - told.failedRecords.count
            counts.failed -= lost
            counts.processed += lost
        default: return call
        }
        told.counts = counts
        return told
    }

    /// Writes points, and makes the planted mistakes about the points of one record.
    func writeRecords(
        _ points: [Point],
        _ send: @escaping @Sendable ([Point]) async throws(PortFailure) -> Void
    ) async throws(PortFailure) {
        switch bug {
        case .sharesLists:
            let lists = Set(points.flatMap(\.collectionIDs)).sorted()
            try await send(points.map { $0.with(lists) })
        case .carriesOldLists:
            try await send(points.map { $0.with(process.firstLists[$0.recordID] ?? $0.collectionIDs) })
        case .writesChildrenFirst:
            let children = points.filter { $0.kind == .child }
            let parents = points.filter { $0.kind == .parent }
            try await send(children + parents)
        case .deletesAfterARefusal:
            do throws(PortFailure) { try await send(points) } catch {
                let records = Set(points.map(\.recordID))
                if error.kind == .rejected, records.count == 1, let record = records.first {
                    let old = try await world.points.points(of: [record], owner: SimulatedWorld.owner)
                        .filter { $0.checksum != points[0].checksum }
                    if !old.isEmpty { try await NetworkedPoints(link: self).send(deletionOf: old) }
                }
                throw error
            }
        default: try await send(points)
        }
    }

    /// Notes the lists that an attempt has seen first.
    func noteLists(of records: [RecordID], _ found: [StoredPoint]) {
        guard bug == .carriesOldLists else { return }
        for id in records where process.firstLists[id] == nil {
            process.firstLists[id] = Set(found.filter { $0.recordID == id }.flatMap(\.collectionIDs)).sorted()
        }
    }
}

extension SimulatedWorld {
    /// A row as the processes read it, and also the checkers that use the engine's own text processing.
    func asRead(_ row: SourceRecord) -> SourceRecord {
        guard portBug == .decodesNoEntities, case .text(let text) = row.content, text.contains("&") else { return row }
        let escaped = text.split(separator: "&", omittingEmptySubsequences: false).joined(separator: "&amp;")
        return SourceRecord(id: row.id, memberCode: row.memberCode, content: .text(escaped))
    }
}

extension Point {
    fileprivate func with(_ lists: [Int64]) -> Point {
        var point = self
        point.collectionIDs = lists
        return point
    }
}
