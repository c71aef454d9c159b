/// How rows are read that may include one that the source can never return.
extension BatchWork {
    /// The records in portions whose texts may be held at once.
    func portions() async throws(WorkEnd) -> [[RecordID]] { try await portions(ids) }

    /// The same for some of them; a row whose size the source cannot tell is a portion of its own.
    func portions(_ ids: [RecordID]) async throws(WorkEnd) -> [[RecordID]] {
        let suspects = Set(suspectRows(of: ids))
        let others = suspects.isEmpty ? ids : ids.filter { !suspects.contains($0) }
        let sized = others.isEmpty ? [] : try await sizedPortions(of: others, isTrial: false)
        return sized + ids.filter { suspects.contains($0) }.map { [$0] }
    }

    private func sizedPortions(of ids: [RecordID], isTrial: Bool) async throws(WorkEnd) -> [[RecordID]] {
        let outcome = try await attempt(.source, isTrial: isTrial) { () async throws(WorkEnd) in
            try checkpoint()
        } _: { () async throws(PortFailure) in
            try await ports.source.portions(of: ids, bytesMax: plan.portionBytesMax)
        }
        if case .answered(let portions) = outcome { return portions }
        guard ids.count > 1 else { return [ids] }
        let middle = ids.count / 2
        return try await sizedPortions(of: Array(ids[..<middle]), isTrial: true)
            + sizedPortions(of: Array(ids[middle...]), isTrial: true)
    }

    /// Reads rows, as far as the source can return them.
    ///
    /// - Returns: the rows that exist; and what is known of those that could not be read.
    func rows(of ids: [RecordID]) async throws(WorkEnd) -> (
        found: [SourceRecord], unreadable: [RecordID: BatchStateMachine.Reading]
    ) {
        var found: [SourceRecord] = []
        var unreadable: [RecordID: BatchStateMachine.Reading] = [:]
        let suspects = suspectRows(of: ids)
        let others = suspects.isEmpty ? ids : ids.filter { !suspects.contains($0) }
        if !others.isEmpty { try await read(others, isTrial: false, &found, &unreadable) }
        for id in suspects {
            let now = ports.time.now
            let (verdict, standing) = state.withSuspicions { suspicions in
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
                unreadable[id] = .failed(failed(id, .row, verdict.failures, verdict.reason))
            } else if standing == .leave {
                unreadable[id] = .unreadable
            } else {
                try await read([id], isTrial: true, &found, &unreadable)
            }
        }
        return (found, unreadable)
    }

    private func suspectRows(of ids: [RecordID]) -> [RecordID] {
        state.withSuspicions { suspicions in
            suspicions.isEmpty ? [] : ids.filter { suspicions.isRowSuspect($0) }
        }
    }

    private func read(
        _ ids: [RecordID],
        isTrial: Bool,
        _ found: inout [SourceRecord],
        _ unreadable: inout [RecordID: BatchStateMachine.Reading]
    ) async throws(WorkEnd) {
        let outcome = try await attempt(.source, isTrial: isTrial) { () async throws(WorkEnd) in
            try checkpoint()
        } _: { () async throws(PortFailure) in
            try await ports.source.records(ids)
        }
        switch outcome {
        case .answered(let rows):
            found += rows
            if let row = rows.last { state.read(row.id) }
            if isTrial { state.withSuspicions { for id in ids { $0.clear(.row, of: id, checksum: "") } } }
        case .refused(let failure), .suspect(let failure):
            guard ids.count > 1 else {
                unreadable[ids[0]] = suspect(row: ids[0], failure)
                return
            }
            let middle = ids.count / 2
            try await read(Array(ids[..<middle]), isTrial: true, &found, &unreadable)
            try await read(Array(ids[middle...]), isTrial: true, &found, &unreadable)
        }
    }
}
