import DequeModule

/// The work on one portion of a batch, record by record and point by point, as a value: events in, the next effect out.
///
/// It never contains a text or a vector, only counts and places, so that every path can be tested without awaiting
/// anything.
/// Its promise is the accounting: when it says `complete`, processed + skipped + failed + missing + left is the number
/// of records, minus those that must be read a second time (`doubtful`), which only the first look leaves.
///
/// A text, point or record that fails and may be the cause itself is *suspect*: it is put aside until everything else
/// is done, then tried separately and halved down to the single text or point (`BatchStateMachine+Suspects`). The
/// machine waits for nothing: what is not settled is `left`, and the caller begins another round with it.
package struct BatchStateMachine: Sendable {
    private enum Phase { case reading, removing, lookingUp, working }

    private let ids: [RecordID]
    let limits: RequestLimits
    let pointsPerWrite: Int
    private let look: Look
    private var phase = Phase.reading
    var records: [RecordState]
    private var chunks: [[(tokens: Int, bytes: Int)]]
    private var parents: [Int]
    var queue: Deque<EmbeddingRequest> = []
    /// The parts of a refused write: from then on the points of each record are written alone.
    var isolated: Deque<[Piece]> = []
    /// The suspects, which come after everything else.
    var trials: Trials

    /// How many records have lost their points because they have no text any more.
    package private(set) var removed = 0

    package init(ids: [RecordID], limits: RequestLimits, pointsPerWrite: Int, look: Look = .first) {
        precondition(!ids.isEmpty && pointsPerWrite > 0)
        self.pointsPerWrite = pointsPerWrite
        trials = Trials(pointsPerWrite: pointsPerWrite)
        self.ids = ids
        self.limits = limits
        self.look = look
        records = Array(repeating: .unread, count: ids.count)
        chunks = Array(repeating: [], count: ids.count)
        parents = Array(repeating: 0, count: ids.count)
    }

    /// The next thing to do; it stays the same until an event is applied.
    package var next: Effect {
        switch phase {
        case .reading: return .read
        case .removing: return .remove(places(\.isAbsent))
        case .lookingUp: return .lookUp(places { $0 == .found || $0.isAbsent })
        case .working:
            if let alone = isolated.first { return .write(alone) }
            let ready = writable
            if !ready.isEmpty { return .write(ready) }
            let replaced = places { $0 == .replaced }.filter { !trials.retirements.contains($0) }
            if !replaced.isEmpty { return .retire(replaced) }
            if let request = queue.first { return .embed(request) }
            return trials.next ?? .complete(counts, failures, left: places { $0 == .left })
        }
    }

    /// Absolute progress of this attempt.
    package var counts: BatchCounts {
        records.reduce(into: BatchCounts()) { counts, record in
            switch record {
            case .missing: counts.missing += 1
            case .blank: counts.skipped += 1
            case .failed: counts.failed += 1
            case .unchanged, .written: counts.processed += 1
            case .unread, .absent, .doubtful, .found, .open, .replaced, .left: break
            }
        }
    }

    /// The records given up so far, in the portion's order.
    package var failures: [FailedRecord] {
        records.compactMap { if case .failed(let failure) = $0 { failure } else { nil } }
    }

    /// The places of the records that must be read a second time: rows that were not found, and blank ones that hold
    /// points.
    package var doubtful: [Int] { places { $0 == .doubtful } }

    /// Applies what has happened.
    package mutating func apply(_ event: Event) {
        switch (phase, event) {
        case (.reading, .read(let readings)): read(readings)
        case (.removing, .removed(let holding)): removed(holding: holding)
        case (.lookingUp, .lookedUp(let lookUp)): lookedUp(lookUp)
        case (.working, .embedded(let request)): embedded(request)
        case (.working, .embeddingRefused(let request, let code, let message)):
            embeddingRefused(request, code: code, message: message)
        case (.working, .embeddingSuspected(let request)): suspected(request)
        case (.working, .written(let pieces)): written(pieces)
        case (.working, .writeRefused(let pieces, let code, let message)):
            writeRefused(pieces, code: code, message: message)
        case (.working, .writeSuspected(let pieces)): suspected(pieces)
        case (.working, .retired(let places)): retired(places, to: .written)
        case (.working, .retirementSuspected(let places)): retired(places, to: .left)
        case (.working, .condemned(let place, let failure)): fail(place, failure)
        default: preconditionFailure("event \(event) is impossible in phase \(phase)")
        }
    }

    private mutating func read(_ readings: [Reading]) {
        precondition(readings.count == ids.count, "one reading per record")
        for (place, reading) in readings.enumerated() {
            switch reading {
            case .missing: records[place] = .absent(isBlank: false)
            case .blank: records[place] = .absent(isBlank: true)
            case .failed(let failure): records[place] = .failed(failure)
            case .unreadable: records[place] = .left
            case .chunks(let sizes, let count):
                precondition(!sizes.isEmpty, "a record that is not blank has a chunk")
                records[place] = .found
                chunks[place] = sizes
                parents[place] = count
            }
        }
        let hasAbsent = records.contains(where: \.isAbsent)
        switch look {
        case .first: phase = hasAbsent || records.contains(.found) ? .lookingUp : .working
        case .second where hasAbsent: phase = .removing
        case .second: phase = records.contains(.found) ? .lookingUp : .working
        }
    }

    private mutating func removed(holding: [Int]) {
        removed = holding.count
        for place in records.indices { settleAbsent(place) }
        phase = records.contains(.found) ? .lookingUp : .working
    }

    /// Counts rows that are finally blank or missing.
    private mutating func settleAbsent(_ place: Int) {
        guard case .absent(let isBlank) = records[place] else { return }
        records[place] = isBlank ? .blank : .missing
    }

    private mutating func lookedUp(_ lookUp: LookUp) {
        // A blank row without points is settled: a text that is written to it later is another version, for another
        // pass.
        for place in records.indices where records[place] == .absent(isBlank: false) { records[place] = .doubtful }
        for place in lookUp.holding where records[place].isAbsent { records[place] = .doubtful }
        for place in records.indices { settleAbsent(place) }
        for place in lookUp.unchanged { move(place, from: .found, to: .unchanged) }
        var wanted: [ChunkToEmbed] = []
        var suspects: [(chunk: ChunkToEmbed, standing: LookUp.Standing)] = []
        for place in places({ $0 == .found }) {
            if let failure = lookUp.failed[place] {
                records[place] = .failed(failure)
                continue
            }
            records[place] = .open(OpenRecord())
            let parts =
                (0..<parents[place]).map(Piece.Part.parent) + chunks[place].indices.map(Piece.Part.child)
            for part in parts where !lookUp.there.contains(Piece(record: place, part: part)) {
                let piece = Piece(record: place, part: part)
                change(place) { $0.unwritten += 1 }
                if lookUp.points[piece] == .leave || lookUp.texts[piece] == .leave {
                    leave(piece)
                    continue
                }
                if let standing = lookUp.points[piece] { trials.points[piece] = standing }
                guard case .child(let number) = part, !lookUp.embedded.contains(piece) else {
                    makeReady(piece)
                    continue
                }
                change(place) { $0.toEmbed += 1 }
                let size = chunks[place][number]
                let chunk = ChunkToEmbed(record: place, chunk: number, tokens: size.tokens, bytes: size.bytes)
                if let standing = lookUp.texts[piece] {
                    suspects.append((chunk, standing))
                } else {
                    wanted.append(chunk)
                }
            }
            settle(place)
        }
        trials.add(texts: suspects, limits: limits)
        for place in trials.add(retirements: lookUp.retirements, of: places { $0 == .replaced }) {
            records[place] = .left
        }
        queue = Deque(EmbeddingRequest.pack(wanted, limits: limits))
        phase = .working
    }

    private mutating func embedded(_ request: EmbeddingRequest) {
        take(request)
        for chunk in request.chunks {
            change(chunk.record) { $0.toEmbed -= 1 }
            makeReady(Piece(record: chunk.record, part: .child(chunk.chunk)))
        }
        for place in Set(request.chunks.map(\.record)).sorted() { settle(place) }
    }

    /// Halves a refused request until it contains only the bad text; only that text's record fails.
    private mutating func embeddingRefused(_ request: EmbeddingRequest, code: String, message: String) {
        let isTrial = take(request)
        if let (first, second) = request.halves {
            putBack([first, second], isTrial: isTrial)
        } else {
            fail(request.chunks[0].record, stage: .embed, code: code, message: message)
        }
    }

    private mutating func written(_ pieces: [Piece]) {
        if isolated.first == pieces { isolated.removeFirst() }
        trials.written(pieces)
        for (place, parts) in Self.byRecord(pieces) {
            change(place) { record in
                record.ready.removeAll { parts.contains($0) }
                record.unwritten -= parts.count
            }
            settle(place)
        }
    }

    private mutating func writeRefused(_ pieces: [Piece], code: String, message: String) {
        if trials.take(pieces) {
            if pieces.count > 1 { return trials.halve(pieces) }
        } else if let byRecord = Self.several(Self.byRecord(pieces)) {
            isolated.append(
                contentsOf: byRecord.map { place, parts in parts.map { Piece(record: place, part: $0) } }
            )
            return
        }
        fail(pieces[0].record, stage: .upsert, code: code, message: message)
    }

    private static func several<Element>(_ elements: [Element]) -> [Element]? { elements.count > 1 ? elements : nil }

    private mutating func retired(_ places: [Int], to state: RecordState) {
        for place in places { move(place, from: .replaced, to: state) }
        trials.retirements.removeAll { places.contains($0) }
    }

    /// Removes the first request of its queue.
    ///
    /// - Returns: whether it was a trial.
    @discardableResult
    mutating func take(_ request: EmbeddingRequest) -> Bool {
        if queue.first == request {
            queue.removeFirst()
            return false
        }
        precondition(trials.texts.first == request, "requests are answered in order")
        trials.texts.removeFirst()
        return true
    }

    mutating func putBack(_ requests: [EmbeddingRequest], isTrial: Bool) {
        if isTrial { trials.texts.prepend(contentsOf: requests) } else { queue.prepend(contentsOf: requests) }
    }

    private mutating func fail(_ place: Int, stage: FailureStage, code: String, message: String) {
        fail(
            place,
            FailedRecord(recordId: ids[place], stage: stage, code: code, message: message, permanent: true)
        )
    }

    /// Gives a record up, and drops its texts that were not paid for yet.
    private mutating func fail(_ place: Int, _ failure: FailedRecord) {
        records[place] = .failed(failure)
        queue = Deque(queue.compactMap { $0.without(place) })
        isolated.removeAll { $0[0].record == place }
        trials.forget(place)
    }

    private mutating func move(_ place: Int, from: RecordState, to: RecordState) {
        precondition(records[place] == from, "record \(place) is \(records[place]), not \(from)")
        records[place] = to
    }

    func places(_ isWanted: (RecordState) -> Bool) -> [Int] { records.indices.filter { isWanted(records[$0]) } }

    /// Groups pieces by record, in the order of the records.
    package static func byRecord(_ pieces: [Piece]) -> [(place: Int, parts: [Piece.Part])] {
        var groups: [(place: Int, parts: [Piece.Part])] = []
        for piece in pieces.sorted() {
            if groups.last?.place != piece.record { groups.append((piece.record, [])) }
            groups[groups.count - 1].parts.append(piece.part)
        }
        return groups
    }
}

extension EmbeddingRequest {
    /// The same request without a record's texts; nil when it contains no others.
    func without(_ place: Int) -> EmbeddingRequest? {
        let others = chunks.filter { $0.record != place }
        return others.isEmpty ? nil : EmbeddingRequest(chunks: others)
    }
}
