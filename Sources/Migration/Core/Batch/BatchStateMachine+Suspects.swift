import DequeModule

/// What is suspect, and how the cause is isolated.
///
/// In a round, suspects come after everything else. Those that were found in a group are tried together and halved
/// while they fail; those that have failed alone are tried once each. The ones that are still unsettled are left.
extension BatchStateMachine {
    /// The suspects of a round.
    struct Trials {
        let pointsPerWrite: Int
        var texts: Deque<EmbeddingRequest> = []
        var writes: Deque<[Piece]> = []
        /// Records whose older points are deleted separately from those of others.
        var retirements: Deque<Int> = []
        /// Points that are written separately as soon as they have their vectors.
        var points: [Piece: LookUp.Standing] = [:]
        /// Points found in a group, which are tried together.
        private var group: [Piece] = []

        init(pointsPerWrite: Int) { self.pointsPerWrite = pointsPerWrite }

        /// The next trial; nil when there is none.
        var next: Effect? {
            if let request = texts.first { return .tryEmbedding(request) }
            if !group.isEmpty { return .tryWriting(together) }
            if let pieces = writes.first { return .tryWriting(pieces) }
            return retirements.first.map { .tryRetiring($0) }
        }

        /// As many points as each of them may be tried with.
        private var together: [Piece] {
            var most = pointsPerWrite
            var pieces: [Piece] = []
            for piece in group {
                if case .together(let size) = points[piece] { most = min(most, size) }
                if pieces.count >= max(1, most) { break }
                pieces.append(piece)
            }
            return pieces
        }

        mutating func add(texts: [(chunk: ChunkToEmbed, standing: LookUp.Standing)], limits: RequestLimits) {
            var groups: [Int: [ChunkToEmbed]] = [:]
            var alone: [EmbeddingRequest] = []
            for (chunk, standing) in texts {
                switch standing {
                case .leave: break
                case .together(let size): groups[min(size, limits.inputsMax), default: []].append(chunk)
                case .alone: alone.append(EmbeddingRequest(chunks: [chunk]))
                }
            }
            // Small groups first: they are nearest to a result.
            let requests = groups.keys.sorted().flatMap { size in
                EmbeddingRequest.pack(
                    groups[size] ?? [],
                    limits: RequestLimits(inputsMax: size, tokensMax: limits.tokensMax)
                )
            }
            self.texts = Deque(requests + alone)
        }

        /// - Returns: the records that are left in this round.
        mutating func add(retirements: [Int: LookUp.Standing], of places: [Int]) -> [Int] {
            self.retirements = Deque(places.filter { retirements[$0].map { $0 != .leave } ?? false })
            return places.filter { retirements[$0] == .leave }
        }

        /// A suspect point has got its vector.
        mutating func add(point: Piece) {
            if case .together = points[point] { group.append(point) } else { writes.append([point]) }
        }

        /// Removes points from the lists that contain them, before they are halved, left or given up.
        mutating func take(_ pieces: [Piece]) -> Bool {
            if writes.first == pieces {
                writes.removeFirst()
                return true
            }
            guard !group.isEmpty, Array(group.prefix(pieces.count)) == pieces else { return false }
            group.removeFirst(pieces.count)
            return true
        }

        mutating func written(_ pieces: [Piece]) { _ = take(pieces) }

        /// Replaces a write by its halves.
        mutating func halve(_ pieces: [Piece]) {
            let middle = pieces.count / 2
            writes.prepend(Array(pieces[middle...]))
            writes.prepend(Array(pieces[..<middle]))
        }

        /// A record was given up.
        mutating func forget(_ place: Int) {
            texts = Deque(texts.compactMap { $0.without(place) })
            writes = Deque(
                writes.compactMap { pieces in
                    let others = pieces.filter { $0.record != place }
                    return others.isEmpty ? nil : others
                }
            )
            group.removeAll { $0.record == place }
            retirements.removeAll { $0 == place }
        }
    }

    /// A piece is not tried again in this round.
    mutating func leave(_ piece: Piece) {
        change(piece.record) { record in
            record.unwritten -= 1
            record.ready.removeAll { $0 == piece.part }
            record.isLeft = true
        }
    }

    /// Texts without answers: they are left, or halved during their trial.
    mutating func suspected(_ request: EmbeddingRequest) {
        let isTrial = take(request)
        if isTrial, let (first, second) = request.halves { return putBack([first, second], isTrial: true) }
        for chunk in request.chunks {
            change(chunk.record) { $0.toEmbed -= 1 }
            leave(Piece(record: chunk.record, part: .child(chunk.chunk)))
        }
        for place in Set(request.chunks.map(\.record)).sorted() { settle(place) }
    }

    /// Points that were not accepted: they are left, or halved during their trial.
    mutating func suspected(_ pieces: [Piece]) {
        let isTrial = trials.take(pieces)
        if isolated.first == pieces { isolated.removeFirst() }
        if isTrial, pieces.count > 1 { return trials.halve(pieces) }
        for piece in pieces { leave(piece) }
        for (place, _) in Self.byRecord(pieces) { settle(place) }
    }
}
