/// Ended records of one batch, compared.
///
/// A dead letter may have points, for example of its older text or of a write that was refused half way: they must be right, and
/// none need be there (I18).
struct Comparison {
    var right = 0
    var blank = 0
    var vanished = 0
    var points = 0
    var findings: [VerificationReport.Finding] = []
    /// The points to delete when repairing.
    var unexpected: [StoredPoint] = []
    private let batch: Int
    private let givenUp: Set<RecordID>

    init(
        of ids: [RecordID],
        _ givenUp: Set<RecordID>,
        batch: Int,
        work: BatchWork,
        plan: BatchWork.Plan
    ) async throws(ServiceFailure) {
        self.batch = batch
        self.givenUp = givenUp
        let rows: [SourceRecord]
        let stored: [RecordID: [StoredPoint]]
        do throws(WorkEnd) {
            rows = try await work.call(.source) { () async throws(PortFailure) in
                try await work.ports.source.records(ids)
            }
            stored = try await work.storedPoints(Array(ids.indices))
        } catch {
            throw ServiceFailure(error)
        }
        var byID: [RecordID: SourceRecord] = [:]
        for row in rows { byID[row.id] = row }
        for id in ids {
            let found = stored[id] ?? []
            points += found.count
            if found.isEmpty, givenUp.contains(id) { continue }
            guard let row = byID[id] else {
                if found.isEmpty { vanished += 1 } else { surplus(id, found) }
                continue
            }
            switch plan.shaper.shape(row) {
            case .blank:
                if found.isEmpty { blank += 1 } else { surplus(id, found) }
            case .failed:
                // The row became unfit after it was migrated; its points are of an older text.
                add(id, .stale, max(1, found.count))
            case .points(let expected):
                compare(expected, with: found, profile: plan.shaper.profile)
            }
        }
    }

    private mutating func compare(_ expected: RecordPoints, with found: [StoredPoint], profile: String) {
        let wanted = Set(expected.pointIDs)
        let present = found.filter { wanted.contains($0.id) }
        let older = present.filter { $0.checksum != expected.checksum || $0.profile != profile }
        let others = found.filter { !wanted.contains($0.id) }
        let isGivenUp = givenUp.contains(expected.id)
        if present.count < wanted.count, !isGivenUp { add(expected.id, .missing, wanted.count - present.count) }
        if !older.isEmpty { add(expected.id, .stale, older.count) }
        if !others.isEmpty { surplus(expected.id, others) }
        if present.count == wanted.count, older.isEmpty, others.isEmpty, !isGivenUp { right += 1 }
    }

    private mutating func surplus(_ id: RecordID, _ found: [StoredPoint]) {
        unexpected += found
        add(id, .unexpected, found.count)
    }

    private mutating func add(_ id: RecordID, _ kind: VerificationReport.Finding.Kind, _ points: Int) {
        findings.append(VerificationReport.Finding(record: id, batch: batch, kind: kind, points: points))
    }
}
