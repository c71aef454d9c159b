import DequeModule

/// The life of one claimed batch, record by record, as a value: events in, the next effect out.
///
/// It never holds a text or a vector, only counts and places, so that every path can be tested without awaiting anything.
/// Its promise is the accounting: when it says `complete`, processed + skipped + failed + missing is the batch's size.
package struct BatchStateMachine: Sendable {
    /// What a record turned out to be when it was read and cut.
    package enum Reading: Sendable, Equatable {
        /// The row has vanished.
        case missing
        /// The content is blank.
        case blank
        /// It cannot be migrated.
        case failed(FailedRecord)
        /// Its children, in order: tokens and bytes of each.
        case chunks([(tokens: Int, bytes: Int)])

        package static func == (left: Reading, right: Reading) -> Bool {
            switch (left, right) {
            case (.missing, .missing), (.blank, .blank): true
            case (.failed(let one), .failed(let other)): one == other
            case (.chunks(let one), .chunks(let other)):
                one.map(\.tokens) == other.map(\.tokens) && one.map(\.bytes) == other.map(\.bytes)
            default: false
            }
        }
    }

    /// What has happened.
    package enum Event: Sendable, Equatable {
        /// The records were read and cut; one reading a record, in the batch's order.
        case read([Reading])
        /// The collection was looked up; the places of the records that are unchanged.
        case lookedUp(unchanged: [Int])
        /// A request was embedded; the shell keeps the vectors.
        case embedded(EmbeddingRequest)
        /// A request was refused as such; `reason` becomes the failure when it holds a single text.
        case embeddingRefused(EmbeddingRequest, code: String, message: String)
        /// Records were written and their older versions deleted.
        case written([Int])
        /// Records were refused by the point store.
        case writeRefused([Int], code: String, message: String)
    }

    /// What is to be done next.
    package enum Effect: Sendable, Equatable {
        /// Read the records of the batch and cut them.
        case read
        /// Read the existing points of these records.
        case lookUp([Int])
        /// Embed one request.
        case embed(EmbeddingRequest)
        /// Write these records' points, then delete their older versions.
        case write([Int])
        /// Report the batch as completed.
        case complete(BatchCounts, [FailedRecord])
    }

    private enum RecordState: Equatable {
        /// Can go to: missing, blank, failed, waiting.
        case unread
        /// Can go to: unchanged, waiting (embedding).
        case found
        /// Needs this many vectors; can go to: ready, failed.
        case embedding(left: Int)
        /// All vectors are there; can go to: written, failed.
        case ready
        case missing, blank, unchanged, written
        case failed(FailedRecord)
    }

    private enum Phase { case reading, lookingUp, working }

    private let ids: [RecordID]
    private let limits: RequestLimits
    private var phase = Phase.reading
    private var records: [RecordState]
    private var chunks: [[(tokens: Int, bytes: Int)]]
    private var queue: Deque<EmbeddingRequest> = []
    /// Records that a refused write has singled out: each is written alone from then on.
    private var isolated: Deque<Int> = []

    package init(ids: [RecordID], limits: RequestLimits) {
        precondition(!ids.isEmpty)
        self.ids = ids
        self.limits = limits
        records = Array(repeating: .unread, count: ids.count)
        chunks = Array(repeating: [], count: ids.count)
    }

    /// What is to be done now; the same answer until an event is applied.
    package var next: Effect {
        switch phase {
        case .reading: return .read
        case .lookingUp: return .lookUp(places { $0 == .found })
        case .working:
            if let alone = isolated.first { return .write([alone]) }
            let ready = places { $0 == .ready }
            if !ready.isEmpty { return .write(ready) }
            if let request = queue.first { return .embed(request) }
            return .complete(counts, failures)
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
            case .unread, .found, .embedding, .ready: break
            }
        }
    }

    /// The records given up so far, in the batch's order.
    package var failures: [FailedRecord] {
        records.compactMap { if case .failed(let failure) = $0 { failure } else { nil } }
    }

    /// Applies what has happened.
    package mutating func apply(_ event: Event) {
        switch (phase, event) {
        case (.reading, .read(let readings)): read(readings)
        case (.lookingUp, .lookedUp(let unchanged)): lookedUp(unchanged: unchanged)
        case (.working, .embedded(let request)): embedded(request)
        case (.working, .embeddingRefused(let request, let code, let message)):
            embeddingRefused(request, code: code, message: message)
        case (.working, .written(let places)):
            for place in places { move(place, from: .ready, to: .written) }
            isolated.removeAll { places.contains($0) }
        case (.working, .writeRefused(let places, let code, let message)):
            writeRefused(places, code: code, message: message)
        default: preconditionFailure("event \(event) is impossible in phase \(phase)")
        }
    }

    private mutating func read(_ readings: [Reading]) {
        precondition(readings.count == ids.count, "one reading a record")
        for (place, reading) in readings.enumerated() {
            switch reading {
            case .missing: records[place] = .missing
            case .blank: records[place] = .blank
            case .failed(let failure): records[place] = .failed(failure)
            case .chunks(let sizes):
                precondition(!sizes.isEmpty, "a record that is not blank has a chunk")
                records[place] = .found
                chunks[place] = sizes
            }
        }
        phase = records.contains(.found) ? .lookingUp : .working
    }

    private mutating func lookedUp(unchanged: [Int]) {
        for place in unchanged { move(place, from: .found, to: .unchanged) }
        var wanted: [ChunkToEmbed] = []
        for place in places({ $0 == .found }) {
            records[place] = .embedding(left: chunks[place].count)
            for (chunk, size) in chunks[place].enumerated() {
                wanted.append(ChunkToEmbed(record: place, chunk: chunk, tokens: size.tokens, bytes: size.bytes))
            }
        }
        queue = Deque(EmbeddingRequest.pack(wanted, limits: limits))
        phase = .working
    }

    private mutating func embedded(_ request: EmbeddingRequest) {
        take(request)
        for chunk in request.chunks {
            guard case .embedding(let left) = records[chunk.record] else { continue }
            records[chunk.record] = left == 1 ? .ready : .embedding(left: left - 1)
        }
    }

    /// Halves a refused request until the one bad text is alone; its record fails, and nothing else suffers.
    private mutating func embeddingRefused(_ request: EmbeddingRequest, code: String, message: String) {
        take(request)
        if let (first, second) = request.halves {
            queue.prepend(second)
            queue.prepend(first)
        } else {
            fail(request.chunks[0].record, stage: .embed, code: code, message: message)
        }
    }

    private mutating func writeRefused(_ places: [Int], code: String, message: String) {
        if places.count > 1 {
            isolated.append(contentsOf: places)
        } else {
            isolated.removeAll { places.contains($0) }
            for place in places { fail(place, stage: .upsert, code: code, message: message) }
        }
    }

    /// Takes the request off the queue's head.
    private mutating func take(_ request: EmbeddingRequest) {
        precondition(queue.first == request, "requests are answered in order")
        queue.removeFirst()
    }

    /// Gives a record up and forgets the texts of it that were still to be paid for.
    private mutating func fail(_ place: Int, stage: FailureStage, code: String, message: String) {
        records[place] = .failed(
            FailedRecord(recordId: ids[place], stage: stage, code: code, message: message, permanent: true)
        )
        queue = Deque(
            queue.compactMap { request in
                let others = request.chunks.filter { $0.record != place }
                return others.isEmpty ? nil : EmbeddingRequest(chunks: others)
            }
        )
    }

    private mutating func move(_ place: Int, from: RecordState, to: RecordState) {
        precondition(records[place] == from, "record \(place) is \(records[place]), not \(from)")
        records[place] = to
    }

    private func places(_ isWanted: (RecordState) -> Bool) -> [Int] { records.indices.filter { isWanted(records[$0]) } }
}
