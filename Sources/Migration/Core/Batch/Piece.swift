/// One point of a record, by places: what is embedded, written and suspected apart from the rest of its record.
package struct Piece: Sendable, Hashable, Comparable {
    /// Which of the record's points; parents come first, so that a child never points to nothing.
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

/// What the collection holds of the records that were read, and what this runner suspects of them.
package struct LookUp: Sendable, Equatable {
    /// How something is treated that a service has failed to take or to answer while it was well.
    package enum Standing: Sendable, Equatable {
        /// Not touched now.
        case leave
        /// Tried when everything else is done, with others like it, at most so many at once, and halved when they fail.
        case together(atMost: Int)
        /// Tried by itself when everything else is done.
        case alone
    }

    /// Records whose points are all there, and no older ones.
    package var unchanged: [Int]
    /// Records without a text that hold points which would have to go.
    package var holding: [Int]
    /// Points that are there, of all other records.
    package var there: Set<Piece>
    /// Children that have their vectors already.
    package var embedded: Set<Piece>
    /// Records that were given up before.
    package var failed: [Int: FailedRecord]
    /// Texts that the embedder may never answer; only children.
    package var texts: [Piece: Standing]
    /// Points that the point store may never take.
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
