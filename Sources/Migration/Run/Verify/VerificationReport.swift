/// What a comparison of the source, the job and the collection found.
package struct VerificationReport: Sendable, Equatable {
    /// Something that is not as it must be, about one planned record.
    package struct Finding: Sendable, Codable, Equatable {
        package enum Kind: String, Sendable, Codable, CaseIterable, Comparable {
            /// Expected points are not there.
            case missing
            /// Expected points are there, but of another text or profile: the row has changed since, or was never written.
            case stale
            /// Points that the record's text does not give, or of a record that is blank or has vanished.
            case unexpected
            /// Points of the right text that belong to another tenant.
            case memberCode = "member_code"
            /// Points with the record's ids that carry another source, or none that is ours: a search by source does not find them.
            case source
            /// Points of the right text that name another record, another place in it, another parent, or another type.
            case place
            /// Points whose stored text is not the one that their checksum is of; only a deep comparison sees them.
            case text

            package static func < (left: Kind, right: Kind) -> Bool { left.rawValue < right.rawValue }
        }

        package let record: RecordID
        package let batch: Int
        package let kind: Kind
        /// Points concerned.
        package let points: Int
        /// Whether `--repair` has repaired it.
        package var isRepaired: Bool

        package init(record: RecordID, batch: Int, kind: Kind, points: Int, isRepaired: Bool = false) {
            self.record = record
            self.batch = batch
            self.kind = kind
            self.points = points
            self.isRepaired = isRepaired
        }
    }

    /// What a report comes to.
    package enum Verdict: String, Sendable, CaseIterable {
        /// The plan is finished, every record is accounted for, nothing failed, and every point is as it must be.
        case complete
        /// Something is not as it must be and was not repaired, or the accounts do not add up.
        case wrong
        /// Nothing is wrong so far, but the job has not read all ids of the source yet.
        case notPlanned = "planning_unfinished"
        /// Nothing is wrong so far, but batches are left to be worked on.
        case notFinished = "unfinished"
        /// The job is finished and what it has written is right, but records have failed and are not migrated.
        case failed
    }

    /// The job, with its counters recounted.
    package var stats: JobStats
    /// Whether the stored texts were compared, too.
    package var isDeep = false
    /// Planned records whose points were compared and found right.
    package var right = 0
    /// Planned records with nothing to migrate: blank, and without points.
    package var blank = 0
    /// Planned records whose rows have vanished from the source, and that have no points: nothing is lost.
    package var vanished = 0
    /// Points of blank or vanished records that do not carry our source: they may be another application's, and stay.
    package var kept = 0
    /// Open dead letters.
    package var failures: [FailureSummary] = []
    /// Records of batches that are not ended yet.
    package var open = 0
    package var findings: [Finding] = []
    /// Points of this source in the collection that belong to records which were not planned; only counted.
    package var strangers = 0
    /// Rows that came to the source, below the highest planned id, after the plan had passed: work for the next job.
    package var late: Int64 = 0

    /// Rows of the source that are still to be planned, where the plan is not finished.
    package var unplanned: Int64 = 0

    package init(stats: JobStats) { self.stats = stats }

    /// Whether all ids of the source are planned.
    package var isPlanned: Bool { stats.job?.sealed ?? false }

    /// Whether processed + skipped + failed + missing is what was planned, as far as the job has come, and the counters equal a
    /// recount.
    package var addsUp: Bool {
        guard let job = stats.job, stats.equal == true else { return false }
        let ended = stats.processed + stats.skipped + stats.failedRecords + stats.missing
        // The batches that are open are listed later than the counters are read, and a job at work goes on meanwhile.
        return stats.pending + stats.processing == 0 ? ended == job.totalRecords : ended <= job.totalRecords
    }

    /// The findings that are not repaired.
    package var wrong: Int { findings.count { !$0.isRepaired } }

    /// What all this comes to: what is wrong comes before what is unfinished, and that before what has failed.
    package var verdict: Verdict {
        if !addsUp || wrong > 0 { return .wrong }
        if !isPlanned { return .notPlanned }
        if open > 0 || stats.pending + stats.processing > 0 { return .notFinished }
        return failures.isEmpty && stats.failedRecords == 0 ? .complete : .failed
    }

    /// Whether the plan is finished, nothing failed and nothing is wrong or missing.
    package var isRight: Bool { verdict == .complete }
}
