/// The owner of the points of a call: one source, which is one table or one shard of a table.
///
/// Several sources may share a collection, with equal record ids. Points without a source were written by the existing
/// application or by an older version of this program; in a collection they belong to one source.
package struct PointOwner: Sendable, Equatable {
    /// The value of the payload key `source` in the points of this source.
    package let source: String
    /// Whether points without a source belong to this source too.
    package let ownsUnmarked: Bool

    package init(source: String, ownsUnmarked: Bool) {
        self.source = source
        self.ownsUnmarked = ownsUnmarked
    }

    /// Whether the owner has a point: it may be read, counted, and replaced by a newer version of its record.
    package func owns(_ point: StoredPoint) -> Bool {
        point.source.map { $0 == source } ?? ownsUnmarked
    }

    /// Whether a point may be deleted because its record is gone or blank.
    ///
    /// Points without a source are never deleted, whatever their owner: the existing application may keep records that
    /// this table does not have.
    package func mayRemove(_ point: StoredPoint) -> Bool { point.source == source }
}

/// The owners of the points in a collection, as one source sees them.
package struct SourcesPresent: Sendable, Equatable {
    /// How many other sources are named; people need no longer list to see what is there.
    package static let namesMax = 5

    /// Points with this source.
    package let own: Int
    /// Points without a source.
    package let unmarked: Int
    /// Points with another source.
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
