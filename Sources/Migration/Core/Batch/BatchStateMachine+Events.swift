/// The machine's input and output.
extension BatchStateMachine {
    /// The number of the look at the source.
    package enum Look: Sendable, Equatable {
        /// The first look: a missing row may not have reached a lagging replica yet, so nothing is removed.
        case first
        /// The second look, some seconds later: a row that is not found is missing, and its points are deleted.
        case second
    }

    /// The state of a record after it was read and cut.
    package enum Reading: Sendable, Equatable {
        case missing
        case blank
        case failed(FailedRecord)
        /// The source has failed to return it, while it returned others.
        case unreadable
        /// Its children in order, with the tokens and bytes of each, and the number of its parents.
        case chunks([(tokens: Int, bytes: Int)], parents: Int = 1)

        package static func == (left: Reading, right: Reading) -> Bool {
            switch (left, right) {
            case (.missing, .missing), (.blank, .blank), (.unreadable, .unreadable): true
            case (.failed(let one), .failed(let other)): one == other
            case (.chunks(let one, let parents), .chunks(let other, let others)):
                one.map(\.tokens) == other.map(\.tokens) && one.map(\.bytes) == other.map(\.bytes) && parents == others
            default: false
            }
        }
    }

    /// Something that has happened.
    package enum Event: Sendable, Equatable {
        /// The records were read and cut; one reading per record, in the portion's order.
        case read([Reading])
        case lookedUp(LookUp)
        /// The points of records without a text are deleted; the places of the records that had some.
        case removed(holding: [Int])
        /// A request was embedded; the shell keeps the vectors.
        case embedded(EmbeddingRequest)
        /// The embedder refused a request for its content; `reason` becomes the failure if it contains a single text.
        case embeddingRefused(EmbeddingRequest, code: String, message: String)
        /// A request failed while the embedder was well.
        case embeddingSuspected(EmbeddingRequest)
        case written([Piece])
        /// The point store refused points.
        case writeRefused([Piece], code: String, message: String)
        /// Points could not be written while the point store was well.
        case writeSuspected([Piece])
        /// The older points of records were deleted.
        case retired([Int])
        /// Older points of records could not be deleted while the point store was well.
        case retirementSuspected([Int])
        /// A single text or point has failed often enough and is given up.
        case condemned(Int, FailedRecord)
    }

    /// The next thing to do.
    package enum Effect: Sendable, Equatable {
        /// Read the records of the portion and cut them.
        case read
        /// Read the existing points of these records.
        case lookUp([Int])
        /// Delete these records' points as they were seen; the records have no text.
        case remove([Int])
        case embed(EmbeddingRequest)
        /// Embed suspect texts, with one try.
        case tryEmbedding(EmbeddingRequest)
        /// Write these points, parents first.
        case write([Piece])
        /// Write suspect points, with one try.
        case tryWriting([Piece])
        /// Delete the older points of these records, whose new points all exist.
        case retire([Int])
        /// The same for one record for which this has failed before, with one try.
        case tryRetiring(Int)
        /// Report the portion as completed, except for the records that are left.
        case complete(BatchCounts, [FailedRecord], left: [Int])
    }
}
