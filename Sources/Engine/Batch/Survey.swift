import Migration
import TextProcessing

/// Decides whether records are right: reads them, shapes them, looks up their points and compares.
///
/// This is the only place that decides it. A run then does what is missing, a dry run reports it, a verification
/// reports it and looks closer.
struct Survey: Sendable {
    /// What the source holds for a record.
    enum Row: Sendable {
        case missing
        /// There is nothing to migrate.
        case blank
        case failed(FailedRecord)
        case points(RecordPoints)
        /// The source cannot return the row while it returns others; with the record's failure if it was given up for
        /// that.
        case unreadable(FailedRecord?)
    }

    let caller: WorkCaller
    /// Points that look right but are wrong: they are written again.
    var distrusted: Set<PointID> = []
    /// Whether everything except suspects is done.
    var triesSuspects = false

    private var plan: BatchWork.Plan { caller.plan }

    // MARK: - What should exist

    /// Reads and shapes the records.
    ///
    /// - Returns: what the source holds for each of them, in their order, and the time of its answer.
    func read(_ ids: [RecordID]) async throws(WorkEnd) -> (rows: [Row], at: Duration) {
        let (found, unreadable) = try await rows(of: ids)
        let time = caller.ports.time.now
        var byID: [RecordID: SourceRecord] = [:]
        for record in found { byID[record.id] = record }
        var rows: [Row] = []
        for id in ids {
            if let row = unreadable[id] {
                rows.append(row)
            } else if let record = byID[id] {
                try caller.checkpoint()
                rows.append(Row(plan.shaper.shape(record)))
            } else {
                rows.append(.missing)
            }
        }
        return (rows, time)
    }

    // MARK: - What exists

    /// The owner's points of some records, by record.
    func points(of records: [RecordID], isNew: Bool = true) async throws(WorkEnd) -> [RecordID: [StoredPoint]] {
        try await caller.storedPoints(of: records, isNew: isNew)
    }

    // MARK: - The comparison

    /// Compares a record with the points that were found for it.
    func version(of record: RecordPoints, among found: [StoredPoint]) -> RecordVersion {
        .compare(
            expected: record.pointIDs,
            checksum: record.checksum,
            profile: plan.shaper.profile,
            found: believed(found)
        )
    }

    /// The points of a record that are right except that they lack the source.
    func unmarked(of record: RecordPoints, among found: [StoredPoint]) -> [StoredPoint] {
        RecordVersion.unmarked(
            expected: record.pointIDs,
            checksum: record.checksum,
            profile: plan.shaper.profile,
            found: believed(found)
        )
    }

    /// Whether a point belongs to the record's present text and to this profile.
    func isCurrent(_ point: StoredPoint, of record: RecordPoints) -> Bool {
        point.isOf(checksum: record.checksum, profile: plan.shaper.profile)
    }

    /// The points that may be deleted with their record: those with the owner's source.
    func removable(_ points: [StoredPoint]) -> [StoredPoint] { points.filter(plan.owner.mayRemove) }

    private func believed(_ points: [StoredPoint]) -> [StoredPoint] {
        distrusted.isEmpty ? points : points.map { distrusted.contains($0.id) ? $0.withoutVersion : $0 }
    }
}

/// Reads rows that may include some that the source can never return.
extension Survey {
    /// Cuts the records into portions whose texts fit into memory together; a row of unknown size is a portion of its
    /// own.
    func portions(_ ids: [RecordID]) async throws(WorkEnd) -> [[RecordID]] {
        let suspects = Set(suspectRows(of: ids))
        let others = suspects.isEmpty ? ids : ids.filter { !suspects.contains($0) }
        let sized = others.isEmpty ? [] : try await sizedPortions(of: others, isTrial: false)
        return sized + ids.filter { suspects.contains($0) }.map { [$0] }
    }

    private func sizedPortions(of ids: [RecordID], isTrial: Bool) async throws(WorkEnd) -> [[RecordID]] {
        let outcome = try await caller.attempt(.ids, isTrial: isTrial) { () async throws(PortFailure) in
            try await caller.ports.source.portions(of: ids, bytesMax: plan.portionBytesMax)
        }
        if case .answered(let portions) = outcome { return portions }
        guard ids.count > 1 else { return [ids] }
        let middle = ids.count / 2
        return try await sizedPortions(of: Array(ids[..<middle]), isTrial: true)
            + sizedPortions(of: Array(ids[middle...]), isTrial: true)
    }

    /// Reads rows, as far as the source can return them.
    ///
    /// - Returns: the existing rows, and what is known about the rows that could not be read.
    private func rows(of ids: [RecordID]) async throws(WorkEnd) -> (
        found: [SourceRecord], unreadable: [RecordID: Row]
    ) {
        var found: [SourceRecord] = []
        var unreadable: [RecordID: Row] = [:]
        let suspects = suspectRows(of: ids)
        let others = suspects.isEmpty ? ids : ids.filter { !suspects.contains($0) }
        if !others.isEmpty { try await read(others, isTrial: false, &found, &unreadable) }
        for id in suspects {
            let now = caller.ports.time.now
            let (verdict, standing) = caller.state.withSuspicions { suspicions in
                (
                    suspicions.verdict(on: id, checksum: "", at: now, plan.suspicion),
                    suspicions.standing(
                        .row,
                        of: id,
                        checksum: "",
                        triesSuspects: triesSuspects,
                        at: now,
                        plan.suspicion
                    )
                )
            }
            if let verdict {
                let failure = FailedRecord(id, gaveUp: .row, after: verdict.failures, verdict.reason)
                unreadable[id] = .unreadable(failure)
            } else if standing == .leave {
                unreadable[id] = .unreadable(nil)
            } else {
                try await read([id], isTrial: true, &found, &unreadable)
            }
        }
        return (found, unreadable)
    }

    private func suspectRows(of ids: [RecordID]) -> [RecordID] {
        caller.state.withSuspicions { suspicions in
            suspicions.isEmpty ? [] : ids.filter { suspicions.isRowSuspect($0) }
        }
    }

    private func read(
        _ ids: [RecordID],
        isTrial: Bool,
        _ found: inout [SourceRecord],
        _ unreadable: inout [RecordID: Row]
    ) async throws(WorkEnd) {
        let outcome = try await caller.attempt(.ids, isTrial: isTrial) { () async throws(PortFailure) in
            try await caller.ports.source.records(ids)
        }
        switch outcome {
        case .answered(let rows):
            found += rows
            if let row = rows.last { caller.state.read(row.id) }
            if isTrial { caller.state.withSuspicions { for id in ids { $0.clear(.row, of: id, checksum: "") } } }
        case .refused(let failure), .suspect(let failure):
            guard ids.count > 1 else {
                unreadable[ids[0]] = .unreadable(suspect(row: ids[0], failure))
                return
            }
            let middle = ids.count / 2
            try await read(Array(ids[..<middle]), isTrial: true, &found, &unreadable)
            try await read(Array(ids[middle...]), isTrial: true, &found, &unreadable)
        }
    }

    /// A row could not be read while others could.
    ///
    /// - Returns: the record's failure if this has happened often enough.
    private func suspect(row id: RecordID, _ failure: PortFailure) -> FailedRecord? {
        let failures = caller.state.withSuspicions {
            $0.failed(.row, of: id, checksum: "", failure, at: caller.ports.time.now, plan.suspicion)
        }
        return failures.map { FailedRecord(id, gaveUp: .row, after: $0, failure) }
    }
}

extension Survey.Row {
    fileprivate init(_ shape: RecordShaper.Shape) {
        switch shape {
        case .blank: self = .blank
        case .failed(let failure): self = .failed(failure)
        case .points(let points): self = .points(points)
        }
    }
}
