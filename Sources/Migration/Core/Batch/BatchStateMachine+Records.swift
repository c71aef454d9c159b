/// The states of one record, and its transitions.
extension BatchStateMachine {
    enum RecordState: Equatable {
        /// Can go to: absent, failed, left, found.
        case unread
        /// There is no text: the row is blank or not found. Can go to: doubtful, blank, missing.
        case absent(isBlank: Bool)
        /// Must be read a second time; a final state of the first look.
        case doubtful
        /// Can go to: unchanged, failed, open.
        case found
        /// Needs points; can go to: replaced, left, failed.
        case open(OpenRecord)
        /// All its points exist, and older ones may exist too; can go to: written, left, failed.
        case replaced
        /// A part of it is suspect, and everything else is done.
        case left
        case missing, blank, unchanged, written
        case failed(FailedRecord)

        var isAbsent: Bool { if case .absent = self { true } else { false } }
    }

    /// A record that still lacks some of its points.
    struct OpenRecord: Equatable {
        /// Children that wait for their vectors.
        var toEmbed = 0
        /// Points that can be written now, in order.
        var ready: [Piece.Part] = []
        /// Points that do not exist yet and are not left.
        var unwritten = 0
        /// Whether a part of it is left for a later round.
        var isLeft = false

        /// Its parents wait for the first of their children, so that a record without any embeddable text gets no
        /// points.
        var isWritable: Bool {
            guard let last = ready.last else { return false }
            if case .child = last { return true }
            return toEmbed == 0 && !isLeft
        }
    }

    /// The points that can be written now, up to the size of one write.
    var writable: [Piece] {
        var pieces: [Piece] = []
        for (place, record) in records.enumerated() {
            guard case .open(let open) = record, open.isWritable else { continue }
            pieces += open.ready.map { Piece(record: place, part: $0) }
            if pieces.count >= pointsPerWrite { return Array(pieces.prefix(pointsPerWrite)) }
        }
        return pieces
    }

    /// Moves a record on when nothing of it can be written any more in this round.
    mutating func settle(_ place: Int) {
        guard case .open(var open) = records[place], open.toEmbed == 0 else { return }
        // Parents are left too if none of their children can be written now.
        if open.isLeft, !open.ready.isEmpty, !open.isWritable {
            open.unwritten -= open.ready.count
            open.ready = []
            records[place] = .open(open)
        }
        guard open.unwritten == 0 else { return }
        records[place] = open.isLeft ? .left : .replaced
    }

    mutating func change(_ place: Int, _ body: (inout OpenRecord) -> Void) {
        guard case .open(var open) = records[place] else {
            preconditionFailure("record \(place) is \(records[place]), not open")
        }
        body(&open)
        records[place] = .open(open)
    }

    mutating func makeReady(_ piece: Piece) {
        if trials.points[piece] != nil { return trials.add(point: piece) }
        change(piece.record) { record in
            record.ready.append(piece.part)
            record.ready.sort()
        }
    }
}
