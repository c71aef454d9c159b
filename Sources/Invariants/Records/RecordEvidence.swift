package import Migration
package import TextProcessing

/// What is known about the records and their points at the end of a run, besides the tables.
///
/// Plain values: they were read from the source and the collection when they were made.
package struct RecordEvidence: Sendable {
    /// Why a record can never be processed, as long as its row does not change.
    package struct Defect: Sendable {
        let name: String
        let isOfRow: Bool

        /// Findings contain the name; a row with a defect of its own cannot be read at all.
        package init(_ name: String, isOfRow: Bool) {
            self.name = name
            self.isOfRow = isOfRow
        }
    }

    /// A point of a planned record that the job must not change.
    package struct Foreign: Sendable {
        let id: PointID
        let record: RecordID
        let source: String?
        let isAsItWas: Bool

        /// `source` is nil if the existing application has written the point.
        package init(id: PointID, record: RecordID, source: String?, isAsItWas: Bool) {
            self.id = id
            self.record = record
            self.source = source
            self.isAsItWas = isAsItWas
        }
    }

    /// The dense vector of a child point.
    package struct Vector: Sendable {
        let point: PointID
        let found: [Float]?
        let due: [Float]

        /// `due` is what the embedder gives for the text in its payload.
        package init(of point: PointID, _ found: [Float]?, due: [Float]) {
            self.point = point
            self.found = found
            self.due = due
        }
    }

    /// The jobs in the tracking tables.
    let jobs: [TrackingEvidence.Job]
    /// The history of the rows and of their points.
    let history: RecordHistory
    /// The lists that each record's points must have.
    let lists: ListHistory
    /// The current rows, ascending by id.
    let rows: [SourceRecord]
    /// Ascending by id.
    let points: [PointEvidence]
    /// The source that the job's points must name.
    let source: String

    /// The number of records that a job with a limit is about.
    package var limits: [JobID: Int] = [:]
    /// The records that lack points which their current rows demand.
    package var incomplete: Set<RecordID> = []
    package var defects: [RecordID: Defect] = [:]
    /// The embedder refuses a text that begins with this word.
    package var refusedWord = ""
    /// The code of a refusal of valid requests.
    package var refusalCode = ""
    /// The points of an earlier program that existed before the run.
    package var older: Set<PointID> = []
    /// Points of the same record ids that other applications have written.
    package var foreign: [Foreign] = []
    /// Points of another table, as they were before the run, with their source and a list that only they have.
    package var neighbours: [Point] = []
    package var neighbourSource = ""
    package var neighbourList: Int64 = 0
    /// The points whose contract is checked, with their places among all points.
    package var contents: [(place: Int, content: PointContent)] = []
    /// The vectors that are looked at.
    package var vectors: [Vector] = []
    /// Tokens that the embedder has billed; nil if it did not bill every answer.
    package var billed: Int64?

    package init(
        of tables: TrackingEvidence,
        _ history: RecordHistory,
        _ lists: ListHistory,
        rows: [SourceRecord],
        points: [PointEvidence],
        source: String
    ) {
        jobs = tables.jobs
        self.history = history
        self.lists = lists
        self.rows = rows
        self.points = points
        self.source = source
    }

    func hasChanged(_ id: RecordID) -> Bool { history.changed.contains(id) }

    func row(_ id: RecordID) -> SourceRecord? {
        var (low, high) = (0, rows.count)
        while low < high {
            let middle = (low + high) / 2
            if rows[middle].id < id { low = middle + 1 } else { high = middle }
        }
        return low < rows.count && rows[low].id == id ? rows[low] : nil
    }

    func point(_ id: PointID) -> PointEvidence? {
        var (low, high) = (0, points.count)
        while low < high {
            let middle = (low + high) / 2
            if points[middle].id < id { low = middle + 1 } else { high = middle }
        }
        return low < points.count && points[low].id == id ? points[low] : nil
    }
}

/// A point in the collection; nil if it lacks a field.
package struct PointEvidence: Sendable {
    package let id: PointID
    package let source: String?
    package let record: RecordID?
    package let checksum: String?
    /// An entry that is no whole number counts as the lowest number, which no list has.
    package let lists: [Int64]

    package init(id: PointID, source: String?, record: RecordID?, checksum: String?, lists: [Int64]) {
        self.id = id
        self.source = source
        self.record = record
        self.checksum = checksum
        self.lists = lists
    }
}
