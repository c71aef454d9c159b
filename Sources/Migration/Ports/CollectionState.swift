/// The present state of a collection.
package struct CollectionState: Sendable, Equatable {
    /// A difference from the schema.
    package struct Difference: Sendable, Equatable {
        /// What differs, for example `vectors.child.size`.
        package let name: String
        package let expected: String
        package let found: String
        /// Whether points cannot be written before the difference is resolved; otherwise it only costs speed or memory.
        package let isFatal: Bool
        /// Whether `ensure` resolves it.
        package let isAddedBySetup: Bool
        /// Whether it means that the collection accepts no more points.
        package let isLackOfRoom: Bool

        package init(
            name: String,
            expected: String,
            found: String,
            isFatal: Bool,
            isAddedBySetup: Bool = false,
            isLackOfRoom: Bool = false
        ) {
            self.name = name
            self.expected = expected
            self.found = found
            self.isFatal = isFatal
            self.isAddedBySetup = isAddedBySetup
            self.isLackOfRoom = isLackOfRoom
        }

        /// The collection has as many points as its strict mode allows.
        ///
        /// Not fatal: a run that has nothing to write may go on.
        package static func noRoom(points: Int, of most: Int) -> Difference {
            Difference(
                name: "strict_mode_config.max_points_count",
                expected: "room for more points",
                found: "\(points) of \(most)",
                isFatal: false,
                isLackOfRoom: true
            )
        }

        /// A missing payload index.
        package static func missing(_ index: CollectionSchema.PayloadIndex, isFatal: Bool) -> Difference {
            Difference(
                name: "payload_schema.\(index.field)",
                expected: index.type,
                found: "none, which `migrate setup` adds",
                isFatal: isFatal,
                isAddedBySetup: true
            )
        }

        /// A sentence for people.
        package var sentence: String { "\(name): needed \(expected), found \(found)" }
    }

    package let exists: Bool
    /// Number of points, exact unless the server refuses exact counts; 0 if the collection does not exist.
    package let pointCount: Int
    /// Its configuration, in lines for people.
    package let description: [String]
    /// Every difference from the schema; empty if the collection does not exist.
    package let differences: [Difference]
    /// The server's product and version.
    package let server: String

    /// Whether the collection has reported that it accepts no more points; a full disk does not show here.
    package var lacksRoom: Bool { differences.contains { $0.isLackOfRoom } }

    package init(exists: Bool, pointCount: Int, description: [String], differences: [Difference], server: String) {
        self.exists = exists
        self.pointCount = pointCount
        self.description = description
        self.differences = differences
        self.server = server
    }
}
