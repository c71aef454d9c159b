import Migration
import Simulation
import TextProcessing

/// A mistake that a simulated process makes on purpose, so that a test can show that the checkers notice it.
///
/// Each is a seam around a port: the engine itself has no switch. Mistakes of the store are `PlantedBug`s.
package enum PortBug: String, CaseIterable, Sendable {
    /// An upsert is called done when it was sent.
    case writesWithoutWaiting
    /// A batch is reported as completed before its points are sent.
    case finishesBeforeWriting
    /// Old points go before the new ones are there.
    case deletesBeforeWriting
    /// Old points are all that do not look like the new ones, whether they were seen or not.
    case deletesWhatItHasNotSeen
    /// What is there already is not looked for.
    case embedsEverythingAgain
    case sendsWithoutMoney
    /// A refusal for haste is answered with the same request.
    case hurriesWhenThrottled
    /// A lease is believed in for a hundred times as long.
    case trustsItsLeaseForEver
    /// A claim that was not answered is repeated under another id.
    case newClaimIDForEachTry
    /// A worker leaves after ten polls that found nothing.
    case leavesWhenIdle
    case countsBlankAsFailed
    /// The plan's cursor is stored before the page it stands for.
    case storesTheCursorFirst

    /// The checkers of which one must find it.
    package var invariants: [String] {
        switch self {
        case .writesWithoutWaiting, .deletesBeforeWriting, .deletesWhatItHasNotSeen, .countsBlankAsFailed: ["I18"]
        // Its writes come after its lease, too.
        case .finishesBeforeWriting: ["I18", "I20"]
        case .embedsEverythingAgain: ["I21"]
        case .sendsWithoutMoney, .hurriesWhenThrottled: ["I22"]
        case .trustsItsLeaseForEver: ["I20"]
        case .newClaimIDForEachTry: ["I25"]
        case .leavesWhenIdle: ["I24"]
        case .storesTheCursorFirst: ["I12"]
        }
    }
}

/// The calls of a process with its mistake, if it has one.
extension Link {
    private var bug: PortBug? { world.portBug }

    // MARK: - The store

    func claim(
        _ call: ClaimNextBatch,
        _ send: (ClaimNextBatch) async throws(PortFailure) -> ClaimNextBatch.Answer
    ) async throws(PortFailure) -> ClaimNextBatch.Answer {
        var sent = call
        if bug == .newClaimIDForEachTry {
            if process.claimIDs[call.claimId] != nil {
                sent.claimId = SimEntropy(world.simulation.chance.split()).uuid()
            }
            process.claimIDs[call.claimId] = sent.claimId
        }
        var answer = try await send(sent)
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
            // It hears neither that a lease is lost nor when it ends.
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
        var sent = call
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
        let answer = try await send(sent)
        if bug == .finishesBeforeWriting {
            for write in process.unwritten { process.node.spawn(write) }
            process.unwritten = []
        }
        return answer
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
        do throws(PortFailure) { return try await send(texts) } catch {
            switch error.kind {
            case .outOfMoney where bug == .sendsWithoutMoney: return try await send(texts)
            case .throttled where bug == .hurriesWhenThrottled: return try await send(texts)
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
        switch bug {
        case .embedsEverythingAgain: return found.filter { $0.checksum != world.watch.expected($0.summaryID)?.checksum }
        case .deletesBeforeWriting:
            let old = found.filter { $0.checksum != world.watch.expected($0.summaryID)?.checksum }
            if !old.isEmpty { try await deleting(old) }
            return found
        default: return found
        }
    }

    func write(
        _ points: [Point],
        _ send: @escaping @Sendable ([Point]) async throws(PortFailure) -> Void
    ) async throws(PortFailure) {
        for point in points { process.checksums[point.summaryID] = point.checksum }
        switch bug {
        case .writesWithoutWaiting: process.node.spawn { try? await send(points) }
        case .finishesBeforeWriting: process.unwritten.append { try? await send(points) }
        default: try await send(points)
        }
    }

    func delete(
        _ old: [StoredPoint],
        _ send: ([StoredPoint]) async throws(PortFailure) -> Void
    ) async throws(PortFailure) {
        guard bug == .deletesWhatItHasNotSeen else { return try await send(old) }
        let records = Set(old.map(\.summaryID)).sorted()
        let now = try await world.points.points(of: records)
        try await send(now.filter { $0.checksum != process.checksums[$0.summaryID] })
    }
}
