import TextProcessing

/// Performs what `BatchStateMachine` decides for one list of records: read, cut, look up, embed, write.
///
/// It knows nothing of claims: whoever holds the permit says whether it may go on and reports how it ended.
package struct BatchWork: Sendable {
    /// What shapes points and requests; the same for every batch of a job.
    package struct Plan: Sendable {
        /// Cuts records into points.
        package let shaper: RecordShaper
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

        package init(
            shaper: RecordShaper,
            limits: RequestLimits,
            quota: QuotaGate,
            schema: CollectionSchema,
            portionBytesMax: Int = 4 << 20
        ) {
            self.portionBytesMax = portionBytesMax
            self.shaper = shaper
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

    package init(ports: EnginePorts, state: RunnerState, plan: Plan, ids: [RecordID], permit: any WorkPermit) {
        self.ports = ports
        self.state = state
        self.plan = plan
        self.ids = ids
        self.permit = permit
    }

    /// Works until every record is accounted for or the work has to stop.
    ///
    /// What was written stays written: the next attempt finds it and pays for nothing twice.
    package func run() async -> WorkEnd {
        do {
            var counts = BatchCounts()
            var failures: [FailedRecord] = []
            for portion in try await portions() {
                let work = BatchWork(ports: ports, state: state, plan: plan, ids: portion, permit: permit)
                let (more, failed) = try await work.runPortion(after: counts)
                counts = counts + more
                failures += failed
            }
            return .completed(counts, failures)
        } catch {
            return error
        }
    }

    /// The records in portions whose texts may be held at once.
    func portions() async throws(WorkEnd) -> [[RecordID]] {
        try await call(.source) { () async throws(PortFailure) in
            try await ports.source.portions(of: ids, bytesMax: plan.portionBytesMax)
        }
    }

    private func runPortion(after done: BatchCounts) async throws(WorkEnd) -> (BatchCounts, [FailedRecord]) {
        var machine = BatchStateMachine(ids: ids, limits: plan.limitsInForce)
        var shelf = Shelf()
        while true {
            permit.counts = done + machine.counts
            switch machine.next {
            case .read: machine.apply(.read(try await read(into: &shelf)))
            case .lookUp(let places): machine.apply(try await lookUp(places, &shelf))
            case .embed(let request): machine.apply(try await embed(request, &shelf))
            case .write(let places): machine.apply(try await write(places, &shelf))
            case .complete(let counts, let failures): return (counts, failures)
            }
        }
    }

    /// The heavy things the machine decides about without seeing them, by place in the batch.
    private struct Shelf {
        var records: [Int: RecordPoints] = [:]
        var stale: [Int: [StoredPoint]] = [:]
        /// Places whose record had points before: somebody may have set their `collection_ids`.
        var known: Set<Int> = []
        var vectors: [Int: [[Float]?]] = [:]
    }

    private func read(into shelf: inout Shelf) async throws(WorkEnd) -> [BatchStateMachine.Reading] {
        let found = try await call(.source) { () async throws(PortFailure) in try await ports.source.records(ids) }
        var byID: [RecordID: SourceRecord] = [:]
        for record in found { byID[record.id] = record }
        var readings: [BatchStateMachine.Reading] = []
        for (place, id) in ids.enumerated() {
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
                readings.append(.chunks(points.children.map { (tokens: $0.tokens, bytes: $0.text.utf8.count) }))
            }
        }
        return readings
    }

    private func lookUp(_ places: [Int], _ shelf: inout Shelf) async throws(WorkEnd) -> BatchStateMachine.Event {
        let found = try await storedPoints(places)
        var unchanged: [Int] = []
        var outlived: [StoredPoint] = []
        for place in places {
            guard let record = shelf.records[place] else { continue }
            let stored = found[ids[place]] ?? []
            switch RecordVersion.compare(
                expected: record.pointIDs,
                checksum: record.checksum,
                profile: plan.shaper.profile,
                found: stored
            ) {
            case .unchanged:
                unchanged.append(place)
                shelf.records[place] = nil
            case .outlived(let stale):
                unchanged.append(place)
                outlived += stale
                shelf.records[place] = nil
            case .replaced(let stale):
                shelf.stale[place] = stale
                if !stored.isEmpty { shelf.known.insert(place) }
                shelf.vectors[place] = Array(repeating: nil, count: record.children.count)
            }
        }
        try await delete(outlived)
        return .lookedUp(unchanged: unchanged)
    }

    private func delete(_ stale: [StoredPoint]) async throws(WorkEnd) {
        if stale.isEmpty { return }
        try await call(.points, writes: true) { () async throws(PortFailure) in try await ports.points.delete(stale) }
    }

    private func embed(
        _ request: EmbeddingRequest,
        _ shelf: inout Shelf
    ) async throws(WorkEnd) -> BatchStateMachine.Event {
        let texts = request.chunks.compactMap { shelf.records[$0.record]?.children[$0.chunk].text }
        precondition(texts.count == request.chunks.count, "a queued chunk has its text")
        switch try await vectors(for: texts, tokens: request.tokens) {
        case .success(let answer):
            for (chunk, vector) in zip(request.chunks, answer.vectors) {
                shelf.vectors[chunk.record]?[chunk.chunk] = vector
            }
            ports.report(.embedded(chunks: texts.count, tokens: answer.tokens ?? request.tokens))
            return .embedded(request)
        case .failure(let refused):
            return .embeddingRefused(request, code: refused.code ?? "embedding_refused", message: refused.detail)
        }
    }

    /// Points of one write, about 3 MB: a store that cuts its requests at 5 MB sends one for it, so that leave to write is asked
    /// for before each request and not only before the first (I20).
    private static let pointsPerWrite = 200

    private func write(_ places: [Int], _ shelf: inout Shelf) async throws(WorkEnd) -> BatchStateMachine.Event {
        let known = places.filter { shelf.known.contains($0) }
        let carried = known.isEmpty ? [:] : try await storedPoints(known)
        var points: [Point] = []
        for place in places {
            guard let record = shelf.records[place], let vectors = shelf.vectors[place] else { continue }
            let collectionIDs = carried[ids[place]]?.flatMap(\.collectionIDs) ?? []
            points += record.points(
                vectors: vectors.compactMap { $0 },
                collectionIDs: Array(Set(collectionIDs)).sorted(),
                shaper: plan.shaper
            )
        }
        for start in stride(from: 0, to: points.count, by: Self.pointsPerWrite) {
            let part = points[start..<min(start + Self.pointsPerWrite, points.count)]
            guard let refusal = try await upsert(Array(part)) else { continue }
            if let wrong = try await wrongCollection() { throw .fatal(.points, wrong) }
            return .writeRefused(places, code: refusal.code ?? "point_refused", message: refusal.detail)
        }
        let stale = places.flatMap { shelf.stale[$0] ?? [] }
        try await delete(stale)
        for place in places {
            shelf.records[place] = nil
            shelf.vectors[place] = nil
        }
        return .written(places)
    }
}
