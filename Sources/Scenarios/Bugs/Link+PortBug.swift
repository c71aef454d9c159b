import Engine
import Fakes
import Migration
import Simulation
import TextProcessing

/// The calls of a process, with its planted mistake if it has one.
extension Link {
    private var bug: PortBug? { world.portBug }

    // MARK: - The source

    func read(
        _ ids: [RecordID],
        _ send: @escaping @Sendable ([RecordID]) async throws(PortFailure) -> [SourceRecord]
    ) async throws(PortFailure) -> [SourceRecord] {
        let found = try await send(ids).filter {
            bug != .missesAtTheFirstLook || !process.absentRows.contains($0.id)
        }
        let there = Set(found.map(\.id))
        for id in ids {
            if !there.contains(id) {
                process.absentRows.insert(id)
            } else if process.absentRows.remove(id) != nil {
                world.coverage.add(.lateRowFound)
            }
        }
        return found.map(world.asRead)
    }

    // MARK: - The store

    func claim(
        _ call: ClaimNextBatch,
        _ send: (ClaimNextBatch) async throws(PortFailure) -> ClaimNextBatch.Answer
    ) async throws(PortFailure) -> ClaimNextBatch.Answer {
        await waitBeforeClaim()
        var sent = call
        if bug == .newClaimIDForEachTry {
            if process.claimIDs[call.claimId] != nil {
                sent.claimId = SimEntropy(world.simulation.chance.split()).uuid()
            }
            process.claimIDs[call.claimId] = sent.claimId
        }
        var answer = try await send(sent)
        for batch in answer.batches { for id in batch.recordIds { process.firstLists[id] = nil } }
        if bug == .trustsItsLeaseForEver {
            for index in answer.batches.indices {
                answer.batches[index].leaseMs *= 100
                answer.batches[index].deadlineMs *= 100
            }
        }
        if bug == .leavesWhenIdle {
            process.emptyClaims = answer.batches.isEmpty ? process.emptyClaims + 1 : 0
            if process.emptyClaims >= 10 { process.stop.raise(.drain) }
        }
        wasGiven(answer.batches)
        return answer
    }

    func heartbeat(
        _ call: BumpBatchProgress,
        _ send: (BumpBatchProgress) async throws(PortFailure) -> BumpBatchProgress.Answer
    ) async throws(PortFailure) -> BumpBatchProgress.Answer {
        var sent = call
        for index in sent.items.indices { sent.items[index].claimId = sentID(sent.items[index].claimId) }
        var answer = try await send(sent)
        if bug == .trustsItsLeaseForEver {
            // The process never learns that a lease is lost or when it ends.
            for index in answer.items.indices {
                answer.items[index].result = .ok
                answer.items[index].leaseMs = 100 * 120_000
            }
        }
        return answer
    }

    func finish(
        _ call: FinishBatch,
        _ send: (FinishBatch) async throws(PortFailure) -> FinishBatch.Answer
    ) async throws(PortFailure) -> FinishBatch.Answer {
        world.watch.suspects.reported(call.failedRecords, by: process)
        var sent = told(call)
        sent.claimId = sentID(call.claimId)
        if bug == .countsBlankAsFailed, let counts = call.counts, counts.skipped > 0 {
            let row = world.store.read { tables in
                tables.index(of: call.job).map { tables.jobs[$0].batches[call.batchNumber].recordIDs } ?? []
            }
            let blank = row.filter { world.source.row($0) != nil && world.watch.expected($0) == nil }
            let letters = blank.filter { id in !call.failedRecords.contains { $0.recordId == id } }.prefix(
                counts.skipped
            )
            sent.failedRecords += letters.map {
                FailedRecord(recordId: $0, stage: .chunk, code: "blank", message: "blank", permanent: true)
            }
            sent.counts?.skipped -= letters.count
            sent.counts?.failed += letters.count
        }
        if bug == .paysForRecalledVectors {
            sent.counts?.paid += Paid(tokens: process.recalledTokens, nanodollars: 0)
            process.recalledTokens = 0
        }
        let answer = try await send(miscounted(sent))
        if bug == .finishesBeforeWriting {
            for write in process.unwritten { process.node.spawn(write) }
            process.unwritten = []
        }
        return believed(answer, of: call)
    }

    func append(
        _ call: AppendIngestionBatches,
        _ send: (AppendIngestionBatches) async throws(PortFailure) -> AppendIngestionBatches.Answer
    ) async throws(PortFailure) -> AppendIngestionBatches.Answer {
        guard bug == .storesTheCursorFirst, let last = call.batches.last else { return try await send(call) }
        var cursor = call
        cursor.batches = [last]
        let answer = try await send(cursor)
        guard answer.result == .appended, call.batches.count > 1 else { return answer }
        var rest = call
        rest.batches.removeLast()
        _ = try await send(rest)
        return answer
    }

    private func sentID(_ claimID: String) -> String { process.claimIDs[claimID] ?? claimID }

    // MARK: - The embedder

    func embed(
        _ texts: [String],
        _ send: ([String]) async throws(PortFailure) -> Embeddings
    ) async throws(PortFailure) -> Embeddings {
        if bug == .blamesWithoutAProbe, texts == [BatchWork.probeText] {
            return Embeddings(vectors: [[]], tokens: nil)
        }
        await waitBeforeEmbedding()
        do throws(PortFailure) {
            let answer = try await send(texts)
            return bug == .embedsTwice ? try await send(texts) : answer
        } catch {
            switch error.kind {
            case .outOfMoney where bug == .sendsWithoutMoney: return try await send(texts)
            case .throttled where bug == .hurriesWhenThrottled: return try await send(texts)
            case .throttled(let wait?):
                if await waitsForTheLatest(wait) { return try await send(texts) }
                throw error
            default: throw error
            }
        }
    }

    // MARK: - The collection

    func look(
        for records: [RecordID],
        _ send: ([RecordID]) async throws(PortFailure) -> [StoredPoint],
        deleting: ([StoredPoint]) async throws(PortFailure) -> Void
    ) async throws(PortFailure) -> [StoredPoint] {
        let found = try await send(records)
        noteLists(of: records, found)
        switch bug {
        case .embedsHalfRecordsAgain:
            return found.filter { point in
                world.watch.isComplete(point.recordID)
                    || point.checksum != world.watch.expected(point.recordID)?.checksum
            }
        // The process still looks for evidence of the job's work.
        case .embedsEverythingAgain where process.hasJoined:
            return found.filter { $0.checksum != world.watch.expected($0.recordID)?.checksum }
        case .deletesBeforeWriting:
            let old = found.filter { $0.checksum != world.watch.expected($0.recordID)?.checksum }
            if !old.isEmpty { try await deleting(old) }
            return found
        case .takesEverySourceForItsOwn:
            return found + (try await world.points.points(of: records, owner: SimulatedWorld.neighbour))
        case .removesPointsOfOtherSources:
            return found + takenForOurs(try await world.points.points(of: records, owner: SimulatedWorld.neighbour))
        case .removesUnmarkedPoints:
            let absent = takenForOurs(found.filter { $0.source == nil })
            return found.filter { process.takenForOurs[$0.id] == nil } + absent
        default: return found
        }
    }

    /// Points of records without a text, as if they carried the job's source.
    private func takenForOurs(_ points: [StoredPoint]) -> [StoredPoint] {
        points.filter { world.watch.expected($0.recordID) == nil }.map { point in
            process.takenForOurs[point.id] = point
            return point.withSource(SimulatedWorld.owner.source)
        }
    }

    func probe(_ send: () async throws(PortFailure) -> Void) async throws(PortFailure) {
        if bug != .blamesWithoutAProbe { try await send() }
    }

    func write(
        _ points: [Point],
        _ send: @escaping @Sendable ([Point]) async throws(PortFailure) -> Void
    ) async throws(PortFailure) {
        for point in points { process.checksums[point.recordID] = point.checksum }
        switch bug {
        case .writesWithoutWaiting: process.node.spawn { try? await send(points) }
        case .finishesBeforeWriting: process.unwritten.append { try? await send(points) }
        case .blamesThePointsWhenFull:
            do throws(PortFailure) { try await send(points) } catch {
                guard error.kind == .full else { throw error }
                throw PortFailure(.rejected, error.detail, code: error.code)
            }
        default: try await writeRecords(points, send)
        }
    }

    func delete(
        _ old: [StoredPoint],
        _ send: ([StoredPoint]) async throws(PortFailure) -> Void
    ) async throws(PortFailure) {
        if bug == .keepsPointsOfAbsentRows {
            let others = old.filter { world.watch.expected($0.recordID) != nil }
            return others.isEmpty ? () : try await send(others)
        }
        if bug == .filtersWithoutAnIndex { try world.points.checkDeletion(byUnindexed: "chunk_index") }
        guard bug == .deletesWhatItHasNotSeen else {
            return try await send(old.map { process.takenForOurs[$0.id] ?? $0 })
        }
        let records = Set(old.map(\.recordID)).sorted()
        let now = try await world.points.points(of: records, owner: SimulatedWorld.owner)
        try await send(now.filter { $0.checksum != process.checksums[$0.recordID] })
    }
}

extension StoredPoint {
    fileprivate func withSource(_ source: String) -> StoredPoint {
        StoredPoint(
            id: id,
            recordID: recordID,
            kind: kind,
            parentIndex: parentIndex,
            chunkIndex: chunkIndex,
            checksum: checksum,
            profile: profile,
            source: source,
            memberCode: memberCode,
            collectionIDs: collectionIDs
        )
    }
}

extension FakeQdrant {
    /// What the server says to a delete whose filter names a key that has no index.
    fileprivate func checkDeletion(byUnindexed key: String) throws(PortFailure) {
        do throws(QdrantRefusal) {
            let filter = try QdrantFilter(json: ["must": [["is_empty": ["key": .string(key)]]]])
            try engine.with(collection) { collection throws(QdrantRefusal) in
                try collection.strict.check(updating: filter, collection.indexes)
            }
        } catch {
            throw error.portFailure
        }
    }
}
