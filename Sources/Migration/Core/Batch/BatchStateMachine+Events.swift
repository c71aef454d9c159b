/// What goes in and what comes out.
extension BatchStateMachine {
    /// Which look at the source this is.
    package enum Look: Sendable, Equatable {
        /// The first: a row that is not there may be one that a lagging replica does not have yet, so nothing is removed.
        case first
        /// The second, some seconds later: a row that is not there is missing, and its points go.
        case second
    }

    /// What a record turned out to be when it was read and cut.
    package enum Reading: Sendable, Equatable {
        case missing
        case blank
        case failed(FailedRecord)
        /// The source has failed to return it while it returned others.
        case unreadable
        /// Its children, in order, with tokens and bytes of each; and how many parents they have.
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

    /// What has happened.
    package enum Event: Sendable, Equatable {
        /// The records were read and cut; one reading per record, in the batch's order.
        case read([Reading])
        case lookedUp(LookUp)
        /// The records without a text have no points any more; the places of those that had some.
        case removed(holding: [Int])
        /// A request was embedded; the shell keeps the vectors.
        case embedded(EmbeddingRequest)
        /// A request was refused as such; `reason` becomes the failure when it holds a single text.
        case embeddingRefused(EmbeddingRequest, code: String, message: String)
        /// A request failed, and the embedder was well.
        case embeddingSuspected(EmbeddingRequest)
        case written([Piece])
        /// Points were refused by the point store.
        case writeRefused([Piece], code: String, message: String)
        /// Points could not be written, and the point store was well.
        case writeSuspected([Piece])
        /// The older points of records were deleted.
        case retired([Int])
        /// Older points of records could not be deleted, and the point store was well.
        case retirementSuspected([Int])
        /// A single text or point has failed often enough.
        case condemned(Int, FailedRecord)
    }

    /// What is to be done next.
    package enum Effect: Sendable, Equatable {
        /// Read the records of the batch and cut them.
        case read
        /// Read the existing points of these records.
        case lookUp([Int])
        /// Delete the points that were seen of these records, which have no text.
        case remove([Int])
        case embed(EmbeddingRequest)
        /// Embed suspect texts, with one try.
        case tryEmbedding(EmbeddingRequest)
        /// Write these points, parents first.
        case write([Piece])
        /// Write suspect points, with one try.
        case tryWriting([Piece])
        /// Delete the older points of these records, all of whose new points are there.
        case retire([Int])
        /// The same for one record for which it has failed, with one try.
        case tryRetiring(Int)
        /// Report the batch as completed, but for the records that are left.
        case complete(BatchCounts, [FailedRecord], left: [Int])
    }
}
