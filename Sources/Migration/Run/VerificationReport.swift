/// What a comparison of the source, the job and the collection found.
package struct VerificationReport: Sendable, Equatable {
    /// Something that is not as it must be, about one planned record.
    package struct Finding: Sendable, Equatable {
        /// What is wrong.
        package enum Kind: String, Sendable, CaseIterable {
            /// Expected points are not there.
            case missing
            /// Expected points are there, but of another text or profile: the row has changed since, or was never written.
            case stale
            /// Points that the record's text does not give, or of a record that is blank or has vanished.
            case unexpected
        }

        package let record: RecordID
        package let batch: Int
        package let kind: Kind
        /// Points concerned.
        package let points: Int
        /// Whether `--repair` has mended it.
        package var isRepaired = false
    }

    /// The job, with its counters recounted.
    package var stats: JobStats
    /// Planned records whose points were compared and found right.
    package var right = 0
    /// Planned records with nothing to migrate: blank, and without points.
    package var blank = 0
    /// Planned records that have vanished from the source, and have no points.
    package var vanished = 0
    /// Open dead letters.
    package var failures: [FailureSummary] = []
    /// Records of batches that are not ended yet.
    package var open = 0
    /// What is wrong.
    package var findings: [Finding] = []
    /// Points in the collection that belong to records of nobody's plan; only counted.
    package var strangers = 0
    /// Rows that came to the source, below the highest planned id, after the plan had passed: work for the next job.
    package var late: Int64 = 0

    package init(stats: JobStats) { self.stats = stats }

    /// Whether processed + skipped + failed + missing is what was planned, and the counters equal a recount.
    package var addsUp: Bool {
        guard let job = stats.job else { return false }
        let ended = stats.processed + stats.skipped + stats.failedRecords + stats.missing
        return stats.equal == true && ended + Int64(open) == job.totalRecords
    }

    /// Whether every planned record is accounted for and nothing is wrong any more.
    package var isRight: Bool { addsUp && open == 0 && findings.allSatisfy(\.isRepaired) }
}
