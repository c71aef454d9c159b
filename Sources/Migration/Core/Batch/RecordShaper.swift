package import TextProcessing

/// Cuts a record into points, without their vectors (`docs/text.md`).
///
/// It gives the same result on every host.
package struct RecordShaper: Sendable {
    /// The result for a record.
    package enum Shape: Sendable {
        /// Blank after normalisation.
        case blank
        case failed(FailedRecord)
        case points(RecordPoints)
    }

    private let normaliser = Normaliser()
    private let chunker: Chunker
    private let sparseEncoder: SparseEncoder
    private let identity: PointIdentity
    /// The short hash of everything that shapes points.
    package let profile: String

    package init(chunker: Chunker, sparseEncoder: SparseEncoder, identity: PointIdentity, profile: Profile) {
        self.chunker = chunker
        self.sparseEncoder = sparseEncoder
        self.identity = identity
        self.profile = profile.hash
    }

    /// Cuts one record.
    package func shape(_ record: SourceRecord) -> Shape {
        func failed(_ stage: FailureStage, _ code: String, _ message: String) -> Shape {
            .failed(FailedRecord(recordId: record.id, stage: stage, code: code, message: message, permanent: true))
        }
        let text: String
        switch record.content {
        case .null: return .blank
        case .tooLong(let bytes):
            return failed(.fetch, "too_long", "the text has \(bytes) bytes, more than MAX_RECORD_BYTES allows")
        case .undecodable: return failed(.decode, "invalid_utf8", "the text is not valid UTF-8")
        case .undecodableTenant:
            return failed(.decode, "invalid_utf8", "the tenant (member code) is not valid UTF-8; its text was not read")
        case .text(let content): text = normaliser.normalise(content)
        }
        if text.isEmpty { return .blank }
        guard let memberCode = record.memberCode else {
            return failed(.decode, "no_member_code", "the member code is NULL, so the points would have no tenant")
        }
        let points = points(of: text, id: record.id, memberCode: memberCode)
        // The chunker leaves blank chunks out; a text that is not blank has other chunks, but nothing depends on that.
        if points.children.isEmpty { return failed(.chunk, "no_chunk", "the text has no chunk that is not blank") }
        return .points(points)
    }

    /// The sparse vector of a child's text.
    package func sparse(_ text: String) -> SparseVector { sparseEncoder.document(text) }

    private func points(of text: String, id: RecordID, memberCode: String) -> RecordPoints {
        var parents: [RecordPoints.Parent] = []
        var children: [RecordPoints.Child] = []
        for (index, parent) in chunker.parents(of: text).enumerated() {
            let parentID = identity.parentID(memberCode: memberCode, recordID: id, parent: index)
            parents.append(RecordPoints.Parent(id: parentID, index: index, text: parent.text(in: text)))
            for (chunkIndex, child) in parent.children.enumerated() {
                children.append(
                    RecordPoints.Child(
                        id: identity.childID(memberCode: memberCode, recordID: id, parent: index, chunk: chunkIndex),
                        parentID: parentID,
                        parentIndex: index,
                        chunkIndex: chunkIndex,
                        text: child.text(in: text),
                        tokens: child.tokens
                    )
                )
            }
        }
        return RecordPoints(
            id: id,
            memberCode: memberCode,
            checksum: normaliser.checksum(ofNormalised: text),
            parents: parents,
            children: children
        )
    }
}

/// The points of one record, before they have vectors.
package struct RecordPoints: Sendable, Equatable {
    package struct Parent: Sendable, Equatable {
        package let id: PointID
        package let index: Int
        package let text: String
    }

    package struct Child: Sendable, Equatable {
        package let id: PointID
        package let parentID: PointID
        package let parentIndex: Int
        package let chunkIndex: Int
        package let text: String
        package let tokens: Int
    }

    package let id: RecordID
    package let memberCode: String
    package let checksum: String
    package let parents: [Parent]
    /// In order; every parent has at least one.
    package let children: [Child]

    /// Exactly the ids that the record's points must have.
    package var pointIDs: [PointID] { parents.map(\.id) + children.map(\.id) }

    /// Its points by their places, parents first.
    package var parts: [Piece.Part] {
        parents.indices.map(Piece.Part.parent) + children.indices.map(Piece.Part.child)
    }

    /// The id of one of its points.
    package func id(of part: Piece.Part) -> PointID {
        switch part {
        case .parent(let place): parents[place].id
        case .child(let place): children[place].id
        }
    }

    /// All its points.
    ///
    /// - Parameters:
    ///   - vectors: one dense vector per child, in order.
    ///   - collectionIDs: set by another application since, carried over.
    ///   - shaper: makes the sparse vectors and knows the profile.
    ///   - source: the source of the record.
    /// - Returns: the points, parents first, so that no child points to nothing.
    package func points(
        vectors: [[Float]],
        collectionIDs: [Int64],
        shaper: RecordShaper,
        source: String
    ) -> [Point] {
        precondition(vectors.count == children.count, "one vector per child")
        return points(
            parts,
            vectors: Dictionary(uniqueKeysWithValues: vectors.enumerated().map { ($0.offset, $0.element) }),
            collectionIDs: collectionIDs,
            shaper: shaper,
            source: source
        )
    }

    /// Some of its points.
    ///
    /// - Parameters:
    ///   - parts: which ones.
    ///   - vectors: the dense vectors of the children among them, by the child's place.
    ///   - collectionIDs: set by another application since, carried over.
    ///   - shaper: makes the sparse vectors and knows the profile.
    ///   - source: the source of the record.
    /// - Returns: the points in the order of the parts.
    package func points(
        _ parts: [Piece.Part],
        vectors: [Int: [Float]],
        collectionIDs: [Int64],
        shaper: RecordShaper,
        source: String
    ) -> [Point] {
        func point(_ id: PointID, _ parentIndex: Int, _ body: Point.Body) -> Point {
            Point(
                id: id,
                recordID: self.id,
                memberCode: memberCode,
                collectionIDs: collectionIDs,
                checksum: checksum,
                profile: shaper.profile,
                source: source,
                parentIndex: parentIndex,
                body: body
            )
        }
        return parts.map { part in
            switch part {
            case .parent(let place):
                return point(parents[place].id, parents[place].index, .parent(text: parents[place].text))
            case .child(let place):
                let child = children[place]
                guard let vector = vectors[place] else { preconditionFailure("a child that is written has its vector") }
                return point(
                    child.id,
                    child.parentIndex,
                    .child(
                        parentID: child.parentID,
                        chunkIndex: child.chunkIndex,
                        text: child.text,
                        vectors: Point.Vectors(dense: vector, sparse: shaper.sparse(child.text))
                    )
                )
            }
        }
    }
}
