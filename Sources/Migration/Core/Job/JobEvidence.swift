/// What a process finds of a job's work through its own servers: it shows whether the job has worked with these
/// servers.
///
/// A host name proves nothing, because a name can point elsewhere tomorrow. Existing points and readable rows do.
package struct JobEvidence: Sendable, Equatable {
    /// The highest number of completed batches that are looked up, spread over the job.
    package static let batchesMax = 5
    /// The records of one batch that are looked up first: five batches fit into one call.
    package static let recordsMax = 200
    /// Records that one call to the collection takes.
    package static let callMax = 1_000
    /// The highest number of ids that are read from the source, spread over these batches: reading a record reads its
    /// text.
    package static let idsMax = 20
    /// With fewer ids nothing is concluded: a few rows may all have been deleted since.
    package static let idsMin = 10

    /// Completed batches with processed records that were looked up in the collection.
    package var batches = 0
    /// Those of them with at least one point.
    package var batchesWithPoints = 0
    /// Planned ids that were looked up in the source.
    package var ids = 0
    /// Those of them that exist.
    package var idsFound = 0

    package init() {}

    /// Whether the collection holds none of the points that the job has written.
    package var lacksPoints: Bool { batches > 0 && batchesWithPoints == 0 }
    /// Whether the source holds none of the rows that the job has planned.
    package var lacksRecords: Bool { ids >= Self.idsMin && idsFound == 0 }

    /// Batch numbers spread evenly over a job, the first and the last among them; at most `batchesMax`, ascending.
    package static func sample(of batches: Int) -> [Int] {
        guard batches > batchesMax else { return Array(0..<max(batches, 0)) }
        return (0..<batchesMax).map { $0 * (batches - 1) / (batchesMax - 1) }
    }

    /// Ids spread evenly over a list, the first and the last among them.
    package static func sample(_ ids: [RecordID], _ count: Int) -> [RecordID] {
        guard ids.count > count, count > 1 else { return Array(ids.prefix(count)) }
        return (0..<count).map { ids[$0 * (ids.count - 1) / (count - 1)] }
    }
}
