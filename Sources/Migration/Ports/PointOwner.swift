/// Whose points a call is about: those of one source, one table or shard of a table.
///
/// Several sources may share a collection, with equal record ids. Points that carry no source were written by the existing
/// application or by a version of this program that did not know the key; in a collection they belong to one source.
package struct PointOwner: Sendable, Equatable {
    /// What the points of this source carry under the payload key `source`.
    package let source: String
    /// Whether points without a source are this source's too.
    package let ownsUnmarked: Bool

    package init(source: String, ownsUnmarked: Bool) {
        self.source = source
        self.ownsUnmarked = ownsUnmarked
    }

    /// Whether a point is one of ours: it may be read, counted, and replaced by a newer version of its record.
    package func owns(_ point: StoredPoint) -> Bool {
        point.source.map { $0 == source } ?? ownsUnmarked
    }

    /// Whether a point may be deleted because its record is gone or blank.
    ///
    /// Never one without a source, whatever its owner: the existing application may keep records that this table does not have.
    package func mayRemove(_ point: StoredPoint) -> Bool { point.source == source }
}

/// Whose points a collection holds, as one source sees it.
package struct SourcesPresent: Sendable, Equatable {
    /// How many other sources are named; a person needs no longer list to see what is there.
    package static let namesMax = 5

    /// Points that carry this source.
    package let own: Int
    /// Points without a source.
    package let unmarked: Int
    /// Points that carry another source.
    package let others: Int
    /// Names of other sources, ascending; at most `namesMax` of them, and only those that are text.
    package let otherNames: [String]

    package init(own: Int, unmarked: Int, others: Int, otherNames: [String]) {
        self.own = own
        self.unmarked = unmarked
        self.others = others
        self.otherNames = otherNames
    }
}
