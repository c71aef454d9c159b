package import TextProcessing

/// Performs what `BatchStateMachine` decides for one list of records: read, cut, look up, embed, write.
///
/// It knows nothing of claims: the holder of the permit says whether it may go on, and reports how it ended.
package struct BatchWork: Sendable {
    /// What shapes points and requests; the same for every batch of a job.
    package struct Plan: Sendable {
        /// Cuts records into points.
        package let shaper: RecordShaper
        /// Whose points are written, read and replaced.
        package var owner: PointOwner
        /// Limits of one embedding request.
        package let limits: RequestLimits
        /// The minute quota.
        package let quota: QuotaGate
        /// The collection, to tell a refused point from a collection that is wrong.
        package let schema: CollectionSchema
        /// Bytes of text that are worked on at once.
        ///
        /// This bounds the memory of a batch, whatever its texts are. An ordinary batch of 100 records is a twentieth of it.
        package let portionBytesMax: Int
        /// When something that fails while others do not is given up.
        package let suspicion: Suspicions.Policy
        /// Dollars per million tokens, for the account of what was paid.
        package let pricePerMillion: Double

        package init(
            shaper: RecordShaper,
            owner: PointOwner,
            limits: RequestLimits,
            quota: QuotaGate,
            schema: CollectionSchema,
            portionBytesMax: Int = 4 << 20,
            suspicion: Suspicions.Policy = Suspicions.Policy(),
            pricePerMillion: Double = 0
        ) {
            self.pricePerMillion = pricePerMillion
            self.suspicion = suspicion
            self.portionBytesMax = portionBytesMax
            self.shaper = shaper
            self.owner = owner
            self.limits = limits
            self.quota = quota
            self.schema = schema
        }

        /// The limits of one request, with those that were learned since.
        var limitsInForce: RequestLimits {
            let learned = RequestLimits.openAI(tokensPerMinute: quota.limits.tokensPerMinute)
            return RequestLimits(
                inputsMax: limits.inputsMax,
                tokensMax: min(limits.tokensMax, learned.tokensMax)
            )
        }
    }

    let ports: EnginePorts
    let state: RunnerState
    let plan: Plan
    let ids: [RecordID]
    let permit: any WorkPermit
    /// Points that look right and are not: they are written anew.
    let distrusted: Set<PointID>
    /// Whether everything that is not suspect is done.
    let triesSuspects: Bool

    package init(
        ports: EnginePorts,
        state: RunnerState,
        plan: Plan,
        ids: [RecordID],
        permit: any WorkPermit,
        distrusted: Set<PointID> = [],
        triesSuspects: Bool = false
    ) {
        self.ports = ports
        self.state = state
        self.plan = plan
        self.ids = ids
        self.permit = permit
        self.distrusted = distrusted
        self.triesSuspects = triesSuspects
    }

    /// Works until every record is accounted for or the work has to stop.
    ///
    /// What was written stays written: the next attempt finds it and pays for nothing twice. Suspects are left until everything
    /// else is done, and then tried in rounds, each of which reads the records that are left anew.
    package func run() async -> WorkEnd {
        do {
            var tally = Tally()
            try await work(on: ids, into: &tally)
            var hasTried = false
            while !tally.left.isEmpty {
                let left = tally.left
                tally.left = []
                try await restUntilDue(left, hasTried: hasTried)
                hasTried = true
                try await part(left, triesSuspects: true).work(on: left, into: &tally)
            }
            forgetSuspects()
            return .completed(tally.counts, tally.failures)
        } catch {
            return error
        }
    }

    /// One round: every record is read, and those without a text a second time.
    private func work(on ids: [RecordID], into tally: inout Tally) async throws(WorkEnd) {
        for portion in try await portions(ids) { try await part(portion).runPortion(.first, into: &tally) }
        let doubtful = tally.doubtful
        tally.doubtful = []
        try await lookAgain(at: doubtful, into: &tally)
    }

    /// The same work on some of the records.
    func part(_ ids: [RecordID], triesSuspects: Bool? = nil) -> BatchWork {
        BatchWork(
            ports: ports,
            state: state,
            plan: plan,
            ids: ids,
            permit: permit,
            distrusted: distrusted,
            triesSuspects: triesSuspects ?? self.triesSuspects
        )
    }

    func runPortion(_ look: BatchStateMachine.Look, into tally: inout Tally) async throws(WorkEnd) {
        var machine = BatchStateMachine(ids: ids, limits: plan.limitsInForce, look: look)
        var shelf = Shelf()
        let done = tally.counts
        while true {
            permit.counts = done + machine.counts
            switch machine.next {
            case .read: machine.apply(.read(try await read(into: &shelf)))
            case .remove(let places): machine.apply(try await remove(places, seen: tally.seen))
            case .lookUp(let places): machine.apply(.lookedUp(try await lookUp(places, &shelf)))
            case .embed(let request): machine.apply(try await embed(request, isTrial: false, &shelf))
            case .tryEmbedding(let request): machine.apply(try await embed(request, isTrial: true, &shelf))
            case .write(let pieces): machine.apply(try await write(pieces, isTrial: false, &shelf))
            case .tryWriting(let pieces): machine.apply(try await write(pieces, isTrial: true, &shelf))
            case .retire(let places): machine.apply(try await retire(places, isTrial: false, &shelf))
            case .tryRetiring(let place): machine.apply(try await retire([place], isTrial: true, &shelf))
            case .complete(_, _, let left):
                return tally.add(machine, of: ids, left: left, seen: shelf.seen, readAt: shelf.readAt)
            }
        }
    }

    /// The heavy things the machine decides about without seeing them, by place in the batch.
    struct Shelf {
        var records: [Int: RecordPoints] = [:]
        var stale: [Int: [StoredPoint]] = [:]
        /// Places whose record has points: somebody may have set their `collection_ids`.
        var known: Set<Int> = []
        /// By the children's places; a vector that is written is let go.
        var vectors: [Int: [Int: [Float]]] = [:]
        /// When the records were read.
        var readAt = Duration.zero
        /// The points that go if their records have no text at the second look either.
        var seen: [RecordID: [StoredPoint]] = [:]
    }

    private func read(into shelf: inout Shelf) async throws(WorkEnd) -> [BatchStateMachine.Reading] {
        let (found, unreadable) = try await rows(of: ids)
        shelf.readAt = ports.time.now
        var byID: [RecordID: SourceRecord] = [:]
        for record in found { byID[record.id] = record }
        var readings: [BatchStateMachine.Reading] = []
        for (place, id) in ids.enumerated() {
            if let reading = unreadable[id] {
                readings.append(reading)
                continue
            }
            guard let record = byID[id] else {
                readings.append(.missing)
                continue
            }
            try checkpoint()
            switch plan.shaper.shape(record) {
            case .blank: readings.append(.blank)
            case .failed(let failure): readings.append(.failed(failure))
            case .points(let points):
                shelf.records[place] = points
                readings.append(
                    .chunks(
                        points.children.map { (tokens: $0.tokens, bytes: $0.text.utf8.count) },
                        parents: points.parents.count
                    )
                )
            }
        }
        return readings
    }

    private func lookUp(_ places: [Int], _ shelf: inout Shelf) async throws(WorkEnd) -> LookUp {
        let found = try await storedPoints(places)
        var survey = LookUp()
        var unmarked: [StoredPoint] = []
        for place in places {
            let seen = found[ids[place]] ?? []
            let stored = seen.map { distrusted.contains($0.id) ? $0.withoutVersion : $0 }
            guard let record = shelf.records[place] else {
                let removable = plan.removable(seen)
                if !removable.isEmpty { survey.holding.append(place) }
                shelf.seen[ids[place]] = removable
                continue
            }
            unmarked += RecordVersion.unmarked(
                expected: record.pointIDs,
                checksum: record.checksum,
                profile: plan.shaper.profile,
                found: stored
            )
            switch RecordVersion.compare(
                expected: record.pointIDs,
                checksum: record.checksum,
                profile: plan.shaper.profile,
                found: stored
            ) {
            case .unchanged:
                survey.unchanged.append(place)
                shelf.records[place] = nil
            case .outlived(let stale):
                survey.there.formUnion(record.parts.map { Piece(record: place, part: $0) })
                shelf.stale[place] = stale
            case .replaced(let stale, let there):
                // Written by an attempt that did not come to its end. Points that lack some of the `collection_ids` that others
                // of the record have, because somebody has set these since, are written anew with all of them.
                let lists = Set(stored.flatMap(\.collectionIDs))
                let even = there.intersection(stored.filter { Set($0.collectionIDs) == lists }.map(\.id))
                for part in record.parts where even.contains(record.id(of: part)) {
                    survey.there.insert(Piece(record: place, part: part))
                }
                shelf.stale[place] = stale
                if !stored.isEmpty { shelf.known.insert(place) }
            }
        }
        try await mark(unmarked)
        addSuspects(places, to: &survey, &shelf)
        return survey
    }

    private func mark(_ unmarked: [StoredPoint]) async throws(WorkEnd) {
        if unmarked.isEmpty { return }
        try await call(.points, writes: true) { () async throws(PortFailure) in
            try await ports.points.mark(unmarked, source: plan.owner.source)
        }
    }

    private func embed(
        _ request: EmbeddingRequest,
        isTrial: Bool,
        _ shelf: inout Shelf
    ) async throws(WorkEnd) -> BatchStateMachine.Event {
        let texts = request.chunks.compactMap { shelf.records[$0.record]?.children[$0.chunk].text }
        precondition(texts.count == request.chunks.count, "a queued chunk has its text")
        switch try await vectors(for: texts, tokens: request.tokens, isTrial: isTrial) {
        case .answered(let answer):
            for (chunk, vector) in zip(request.chunks, answer.vectors) {
                shelf.vectors[chunk.record, default: [:]][chunk.chunk] = vector
            }
            clearSuspects(request, shelf)
            ports.report(.embedded(chunks: texts.count, tokens: answer.tokens ?? request.tokens))
            return .embedded(request)
        case .refused(let refused):
            return .embeddingRefused(request, code: refused.code ?? "embedding_refused", message: refused.detail)
        case .suspect(let failure):
            return suspect(request, failure, shelf)
        }
    }

    private func write(
        _ pieces: [Piece],
        isTrial: Bool,
        _ shelf: inout Shelf
    ) async throws(WorkEnd) -> BatchStateMachine.Event {
        let points = try await points(for: pieces, shelf)
        switch try await upsert(points, isTrial: isTrial) {
        case .answered:
            permit.noteProgress()
            clearSuspects(pieces, shelf)
            for piece in pieces {
                shelf.known.insert(piece.record)
                if case .child(let number) = piece.part { shelf.vectors[piece.record]?[number] = nil }
            }
            return .written(pieces)
        case .refused(let refusal):
            if let wrong = try await wrongCollection() { throw .fatal(.points, wrong) }
            return .writeRefused(pieces, code: refusal.code ?? "point_refused", message: refusal.detail)
        case .suspect(let failure):
            return suspect(pieces, isTrial: isTrial, failure, shelf)
        }
    }

    /// The points to write, with the `collection_ids` that their records have just now.
    private func points(for pieces: [Piece], _ shelf: Shelf) async throws(WorkEnd) -> [Point] {
        let byRecord = BatchStateMachine.byRecord(pieces)
        let known = byRecord.map(\.place).filter { shelf.known.contains($0) }
        let carried = known.isEmpty ? [:] : try await storedPoints(known, isNew: false)
        var points: [Point] = []
        for (place, parts) in byRecord {
            guard let record = shelf.records[place] else { continue }
            let collectionIDs = carried[ids[place]]?.flatMap(\.collectionIDs) ?? []
            points += record.points(
                parts,
                vectors: shelf.vectors[place] ?? [:],
                collectionIDs: Array(Set(collectionIDs)).sorted(),
                shaper: plan.shaper,
                source: plan.owner.source
            )
        }
        return points
    }

    /// Deletes what the new points have replaced; only now, when every one of them is there.
    private func retire(
        _ places: [Int],
        isTrial: Bool,
        _ shelf: inout Shelf
    ) async throws(WorkEnd) -> BatchStateMachine.Event {
        let stale = places.flatMap { shelf.stale[$0] ?? [] }
        if !stale.isEmpty {
            if case .suspect(let failure) = try await delete(stale, isTrial: isTrial) {
                return suspect(retirementOf: places, isTrial: isTrial, failure, shelf)
            }
            permit.noteProgress()
            clearSuspects(retirementOf: places, shelf)
        }
        for place in places {
            shelf.records[place] = nil
            shelf.vectors[place] = nil
            shelf.stale[place] = nil
        }
        return .retired(places)
    }
}
