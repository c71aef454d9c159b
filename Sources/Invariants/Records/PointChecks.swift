import Migration
import TextProcessing

// The content of the collection at the end: I18, I19 and I29.

extension RecordEvidence {
    /// I18: a child's vector is that of its text; nil when all that are looked at are.
    package var wrongVector: Finding? {
        vectors.first { $0.found != $0.due }.map {
            Finding(18, "the vector of point \($0.point) is not that of its text")
        }
    }

    /// The first point that should not exist or is wrong; nil when all are right.
    package var wrongPoint: Finding? {
        let planned = Set(jobs.flatMap { $0.batches.flatMap(\.recordIds) })
        // All older points of these records must be gone; older points of other records may still exist.
        let letters = jobs.reduce(into: Set<RecordID>()) { $0.formUnion($1.openLetters) }
        let settled = Set(jobs.flatMap { $0.batches.filter(\.isSettled).flatMap(\.recordIds) }).subtracting(letters)
        let foreign = Set(foreign.map(\.id))
        for point in points where !foreign.contains(point.id) && point.source != neighbourSource {
            if let finding = stranger(point, planned, settled) { return finding }
        }
        return wrongLists(settled) ?? brokenContract(settled)
    }

    /// I19, and I18 from the other direction: every point belongs to a planned record, and is right.
    private func stranger(
        _ point: PointEvidence,
        _ planned: Set<RecordID>,
        _ settled: Set<RecordID>
    ) -> Finding? {
        let id = point.id
        guard let record = point.record else { return Finding(19, "point \(id) names no record") }
        if older.contains(id), !settled.contains(record) { return nil }
        guard planned.contains(record) else {
            return Finding(19, "point \(id) is of record \(record), which is not planned")
        }
        if hasChanged(record) { return nil }
        guard let shape = history.shapes[record], shape.has(id), point.checksum == shape.checksum else {
            return Finding(18, "point \(id) of record \(record) should not be there")
        }
        if point.source != source {
            return Finding(29, "point \(id) of record \(record) does not say where it came from")
        }
        if point.lists.contains(neighbourList) {
            return Finding(29, "point \(id) of record \(record) has the list of another table's record")
        }
        return nil
    }

    /// The record of one of the job's points, if everything about it is known.
    private func certainRecord(of point: PointEvidence, _ settled: Set<RecordID>) -> RecordID? {
        guard point.source == source, let record = point.record, settled.contains(record), !hasChanged(record),
            history.shapes[record] != nil
        else { return nil }
        return record
    }

    /// I18: points have the lists that were set on them.
    private func wrongLists(_ settled: Set<RecordID>) -> Finding? {
        for point in points {
            guard let record = certainRecord(of: point, settled), let due = lists.expected(record),
                Set(point.lists) != due
            else { continue }
            return Finding(
                18,
                "point \(point.id) of record \(record) has the lists \(point.lists), not \(due.sorted())"
            )
        }
        return nil
    }

    /// I18: the points of a record match its row.
    private func brokenContract(_ settled: Set<RecordID>) -> Finding? {
        var chosen: [RecordID: [PointContent]] = [:]
        for (place, content) in contents {
            guard let record = certainRecord(of: points[place], settled) else { continue }
            chosen[record, default: []].append(content)
        }
        for record in chosen.keys.sorted() {
            guard let row = row(record), case .text(let content) = row.content, let memberCode = row.memberCode else {
                continue
            }
            let contract = RecordContract(id: record, memberCode: memberCode, content: content)
            if let finding = contract.finding(chosen[record] ?? []) {
                return Finding(18, "record \(record): \(finding)")
            }
        }
        return nil
    }

    /// I29: no point of another source is changed or deleted.
    package var changedNeighbour: Finding? {
        for place in neighbours.indices {
            let (id, record) = (neighbours[place].id, neighbours[place].recordID)
            if let found = point(id), found.checksum == neighbours[place].checksum,
                found.source == neighbours[place].source, found.record == record,
                found.lists == neighbours[place].collectionIDs
            {
                continue
            }
            return Finding(29, "point \(id) of another table's record \(record) is gone or changed")
        }
        return nil
    }

    /// I29 too: points that the job must not delete are unchanged.
    package var changedForeign: Finding? {
        for point in foreign where !point.isAsItWas {
            // A point without a source belongs to the first version of a text that comes back, and is replaced by it.
            if point.source == nil, hasChanged(point.record) { continue }
            let owner = point.source ?? "another application"
            return Finding(
                29,
                "point \(point.id) of record \(point.record), which is \(owner)'s, was changed or deleted"
            )
        }
        return nil
    }
}

extension RecordPoints {
    /// Whether one of the points has this id.
    fileprivate func has(_ id: PointID) -> Bool {
        parents.contains { $0.id == id } || children.contains { $0.id == id }
    }
}
