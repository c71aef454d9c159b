import Migration

/// Some records of a piece of work whose texts fit into memory together; carries out what one `BatchStateMachine`
/// decides about them.
///
/// It holds the large values about which the machine decides without seeing them, by place in the portion.
struct Portion: Sendable {
    let ids: [RecordID]
    let caller: WorkCaller
    let survey: Survey
    private(set) var machine: BatchStateMachine
    /// Records with unsettled suspects.
    private(set) var left: [Int] = []
    /// When the records were read.
    private(set) var readAt = Duration.zero
    /// The points to delete if their records have no text at the second look either.
    private(set) var seen: [RecordID: [StoredPoint]]

    var records: [Int: RecordPoints] = [:]
    private(set) var stale: [Int: [StoredPoint]] = [:]
    /// Places of records that have points: another application may have set their `collection_ids`.
    private var known: Set<Int> = []
    /// By the children's places; a vector that was written is released.
    var vectors: [Int: [Int: [Float]]] = [:]

    /// Makes a portion.
    ///
    /// - Parameters:
    ///   - ids: its records.
    ///   - look: the number of the look at the source.
    ///   - seen: the points of records that had no text at the first look.
    ///   - survey: decides whether records are right.
    init(
        _ ids: [RecordID],
        _ look: BatchStateMachine.Look,
        seen: [RecordID: [StoredPoint]],
        survey: Survey
    ) {
        self.ids = ids
        self.seen = seen
        self.survey = survey
        caller = survey.caller
        machine = BatchStateMachine(
            ids: ids,
            limits: caller.plan.limitsInForce,
            pointsPerWrite: caller.plan.pointsPerWrite,
            look: look
        )
    }

    /// Works until every record is accounted for, doubtful or left; `done` has the counts of the earlier portions.
    mutating func run(after done: BatchCounts) async throws(WorkEnd) {
        while true {
            caller.permit.counts = done + machine.counts
            switch machine.next {
            case .read: machine.apply(.read(try await read()))
            case .remove(let places): machine.apply(try await remove(places))
            case .lookUp(let places): machine.apply(.lookedUp(try await lookUp(places)))
            case .embed(let request): machine.apply(try await embed(request, isTrial: false))
            case .tryEmbedding(let request): machine.apply(try await embed(request, isTrial: true))
            case .write(let pieces): machine.apply(try await write(pieces, isTrial: false))
            case .tryWriting(let pieces): machine.apply(try await write(pieces, isTrial: true))
            case .retire(let places): machine.apply(try await retire(places, isTrial: false))
            case .tryRetiring(let place): machine.apply(try await retire([place], isTrial: true))
            case .complete(_, _, let places):
                left = places
                return
            }
        }
    }

    private mutating func read() async throws(WorkEnd) -> [BatchStateMachine.Reading] {
        let (rows, time) = try await survey.read(ids)
        readAt = time
        var readings: [BatchStateMachine.Reading] = []
        for (place, row) in rows.enumerated() {
            switch row {
            case .missing: readings.append(.missing)
            case .blank: readings.append(.blank)
            case .failed(let failure): readings.append(.failed(failure))
            case .unreadable(let failure): readings.append(failure.map { .failed($0) } ?? .unreadable)
            case .points(let points):
                records[place] = points
                let children = points.children.map { (tokens: $0.tokens, bytes: $0.text.utf8.count) }
                readings.append(.chunks(children, parents: points.parents.count))
            }
        }
        return readings
    }

    private mutating func lookUp(_ places: [Int]) async throws(WorkEnd) -> LookUp {
        let found = try await survey.points(of: places.map { ids[$0] })
        var lookUp = LookUp()
        var unmarked: [StoredPoint] = []
        for place in places {
            let stored = found[ids[place]] ?? []
            guard let record = records[place] else {
                let removable = survey.removable(stored)
                if !removable.isEmpty { lookUp.holding.append(place) }
                seen[ids[place]] = removable
                continue
            }
            unmarked += survey.unmarked(of: record, among: stored)
            switch survey.version(of: record, among: stored) {
            case .unchanged:
                lookUp.unchanged.append(place)
                records[place] = nil
            case .outlived(let older):
                lookUp.there.formUnion(record.parts.map { Piece(record: place, part: $0) })
                stale[place] = older
            case .replaced(let older, let there):
                // Written by an attempt that did not complete. Points may lack some of the `collection_ids` of the
                // record's other points, because another application has set these since: such points are written again
                // with all of them.
                let lists = Set(stored.flatMap(\.collectionIDs))
                let even = there.intersection(stored.filter { Set($0.collectionIDs) == lists }.map(\.id))
                for part in record.parts where even.contains(record.id(of: part)) {
                    lookUp.there.insert(Piece(record: place, part: part))
                }
                stale[place] = older
                if !stored.isEmpty { known.insert(place) }
            }
        }
        try await mark(unmarked)
        addSuspects(places, to: &lookUp)
        return lookUp
    }

    private func mark(_ unmarked: [StoredPoint]) async throws(WorkEnd) {
        if unmarked.isEmpty { return }
        try await caller.call(.points, writes: true) { () async throws(PortFailure) in
            try await caller.ports.points.mark(unmarked, source: caller.plan.owner.source)
        }
    }

    /// Deletes the points that were read for records without a text.
    private func remove(_ places: [Int]) async throws(WorkEnd) -> BatchStateMachine.Event {
        let holding = places.filter { !(seen[ids[$0]] ?? []).isEmpty }
        let points = holding.flatMap { seen[ids[$0]] ?? [] }
        guard !points.isEmpty else { return .removed(holding: []) }
        try await caller.permit.mayRemove(holding.count)
        try await caller.delete(points)
        caller.ports.report(.pointsRemoved(records: holding.count, points: points.count))
        return .removed(holding: holding)
    }

    private mutating func embed(
        _ request: EmbeddingRequest,
        isTrial: Bool
    ) async throws(WorkEnd) -> BatchStateMachine.Event {
        let texts = request.chunks.compactMap { chunk in
            records[chunk.record].map { WorkCaller.Text(text: $0.children[chunk.chunk].text, tokens: chunk.tokens) }
        }
        precondition(texts.count == request.chunks.count, "a queued chunk has its text")
        switch try await caller.vectors(for: texts, isTrial: isTrial) {
        case .answered(let answer):
            for (chunk, vector) in zip(request.chunks, answer.vectors) {
                vectors[chunk.record, default: [:]][chunk.chunk] = vector
            }
            clearSuspects(request)
            caller.ports.report(
                .embedded(
                    chunks: answer.embedded,
                    tokens: answer.tokens,
                    shared: answer.shared,
                    recalled: answer.recalled
                )
            )
            return .embedded(request)
        case .refused(let refused):
            return .embeddingRefused(request, code: refused.code ?? "embedding_refused", message: refused.detail)
        case .suspect(let failure):
            return suspect(request, failure)
        }
    }

    private mutating func write(_ pieces: [Piece], isTrial: Bool) async throws(WorkEnd) -> BatchStateMachine.Event {
        let points = try await points(for: pieces)
        switch try await caller.upsert(points, isTrial: isTrial) {
        case .answered:
            caller.permit.noteProgress()
            clearSuspects(pieces)
            for piece in pieces {
                known.insert(piece.record)
                if case .child(let number) = piece.part { vectors[piece.record]?[number] = nil }
            }
            return .written(pieces)
        case .refused(let refusal):
            if let wrong = try await caller.wrongCollection() { throw .fatal(.points, wrong) }
            return .writeRefused(pieces, code: refusal.code ?? "point_refused", message: refusal.detail)
        case .suspect(let failure):
            return suspect(pieces, failure)
        }
    }

    /// The points to write, with the present `collection_ids` of their records.
    private func points(for pieces: [Piece]) async throws(WorkEnd) -> [Point] {
        let byRecord = BatchStateMachine.byRecord(pieces)
        let holding = byRecord.map(\.place).filter { known.contains($0) }.map { ids[$0] }
        let carried = holding.isEmpty ? [:] : try await survey.points(of: holding, isNew: false)
        var points: [Point] = []
        for (place, parts) in byRecord {
            guard let record = records[place] else { continue }
            let collectionIDs = carried[ids[place]]?.flatMap(\.collectionIDs) ?? []
            points += record.points(
                parts,
                vectors: vectors[place] ?? [:],
                collectionIDs: Array(Set(collectionIDs)).sorted(),
                shaper: caller.plan.shaper,
                source: caller.plan.owner.source
            )
        }
        return points
    }

    /// Deletes the points that the new ones have replaced, after all new ones exist.
    private mutating func retire(_ places: [Int], isTrial: Bool) async throws(WorkEnd) -> BatchStateMachine.Event {
        let older = places.flatMap { stale[$0] ?? [] }
        if !older.isEmpty {
            if case .suspect(let failure) = try await caller.delete(older, isTrial: isTrial) {
                return suspect(retirementOf: places, failure)
            }
            caller.permit.noteProgress()
            clearSuspects(retirementOf: places)
        }
        for place in places {
            records[place] = nil
            vectors[place] = nil
            stale[place] = nil
        }
        return .retired(places)
    }
}
