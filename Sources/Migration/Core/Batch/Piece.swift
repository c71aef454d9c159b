/// One point of a record, by places: it is embedded, written and suspected separately from the rest of its record.
package struct Piece: Sendable, Hashable, Comparable {
    /// The position of the point in its record; parents come first, so that no child points to nothing.
    package enum Part: Sendable, Hashable, Comparable {
        case parent(Int)
        case child(Int)
    }

    /// The record, by its place within the batch.
    package let record: Int
    package let part: Part

    package init(record: Int, part: Part) {
        self.record = record
        self.part = part
    }

    package static func < (left: Piece, right: Piece) -> Bool {
        (left.record, left.part) < (right.record, right.part)
    }
}

/// What the collection holds for the records that were read, and what this runner suspects about them.
package struct LookUp: Sendable, Equatable {
    /// How to treat something that a well service has failed to accept or answer.
    package enum Standing: Sendable, Equatable {
        /// Not tried now.
        case leave
        /// Tried after everything else, together with at most so many others, and halved if they fail.
        case together(atMost: Int)
        /// Tried alone, after everything else.
        case alone
    }

    /// Records that have all their points, and no older ones.
    package var unchanged: [Int]
    /// Records without a text whose points would have to be deleted.
    package var holding: [Int]
    /// Existing points of all other records.
    package var there: Set<Piece>
    /// Children that have their vectors already.
    package var embedded: Set<Piece>
    /// Records that were given up before.
    package var failed: [Int: FailedRecord]
    /// Texts that the embedder may never answer; only of children.
    package var texts: [Piece: Standing]
    /// Points that the point store may never accept.
    package var points: [Piece: Standing]
    /// Records whose older points may never be deleted.
    package var retirements: [Int: Standing]

    package init(
        unchanged: [Int] = [],
        holding: [Int] = [],
        there: Set<Piece> = [],
        embedded: Set<Piece> = [],
        failed: [Int: FailedRecord] = [:],
        texts: [Piece: Standing] = [:],
        points: [Piece: Standing] = [:],
        retirements: [Int: Standing] = [:]
    ) {
        self.unchanged = unchanged
        self.holding = holding
        self.there = there
        self.embedded = embedded
        self.failed = failed
        self.texts = texts
        self.points = points
        self.retirements = retirements
    }
}
