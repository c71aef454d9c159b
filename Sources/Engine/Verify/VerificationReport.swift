package import Migration

/// The result of comparing the source, the job and the collection.
package struct VerificationReport: Sendable, Equatable {
    /// Something that is wrong with one planned record.
    package struct Finding: Sendable, Codable, Equatable {
        package enum Kind: String, Sendable, Codable, CaseIterable, Comparable {
            /// Expected points do not exist.
            case missing
            /// Expected points exist, but belong to another text or profile: the row has changed since, or was never
            /// written.
            case stale
            /// Points that do not belong to the record's text, or that belong to a blank or vanished record.
            case unexpected
            /// Points of the right text that belong to another tenant.
            case memberCode = "member_code"
            /// Points with the record's ids that carry another source, or none although it should be marked: a search
            /// by source misses them.
            case source
            /// Points of the right text that name another record, another place in it, another parent, or another type.
            case place
            /// Points whose stored text does not match their checksum; only a deep comparison sees them.
            case text

            package static func < (left: Kind, right: Kind) -> Bool { left.rawValue < right.rawValue }
        }

        package let record: RecordID
        package let batch: Int
        package let kind: Kind
        /// The number of these points.
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

    /// The verdict of a report.
    package enum Verdict: String, Sendable, CaseIterable {
        /// The plan is complete, every record is accounted for, nothing failed, and every point is right.
        case complete
        /// Something is wrong and was not repaired, or the accounts do not add up.
        case wrong
        /// Nothing is wrong so far, but the job has not read all ids of the source yet.
        case notPlanned = "planning_unfinished"
        /// Nothing is wrong so far, but some batches have not ended.
        case notFinished = "unfinished"
        /// The job has ended and what it has written is right, but some records have failed and are not migrated.
        case failed
    }

    /// The job, with its counters recounted.
    package var stats: JobStats
    /// Whether the stored texts were compared too.
    package var isDeep = false
    /// Planned records whose points were compared and found right.
    package var right = 0
    /// Planned records with nothing to migrate: blank, and without points.
    package var blank = 0
    /// Planned records whose rows have vanished from the source, and that have no points: nothing is lost.
    package var vanished = 0
    /// Points of blank or vanished records without this source: they may belong to another application, and stay.
    package var kept = 0
    /// Open dead letters.
    package var failures: [FailureSummary] = []
    /// Records of batches that have not ended yet.
    package var open = 0
    package var findings: [Finding] = []
    /// Points of this source in the collection that belong to records which were not planned; they are only counted.
    package var strangers = 0
    /// Rows that were added to the source, below the highest planned id, after the plan had passed: work for the next
    /// job.
    package var late: Int64 = 0

    /// Rows of the source that are still to be planned, if the plan is not complete.
    package var unplanned: Int64 = 0

    package init(stats: JobStats) { self.stats = stats }

    /// Whether all ids of the source are planned.
    package var isPlanned: Bool { stats.job?.sealed ?? false }

    /// Whether processed + skipped + failed + missing equals the planned records, as far as the job has come, and the
    /// counters equal a recount.
    package var addsUp: Bool {
        guard let job = stats.job, stats.equal == true else { return false }
        let ended = stats.processed + stats.skipped + stats.failedRecords + stats.missing
        // The open batches are listed after the counters are read, and a job at work goes on meanwhile.
        return stats.pending + stats.processing == 0 ? ended == job.totalRecords : ended <= job.totalRecords
    }

    /// The findings that are not repaired.
    package var wrong: Int { findings.count { !$0.isRepaired } }

    /// The verdict: wrong findings come before unfinished work, and unfinished work before failed records.
    package var verdict: Verdict {
        if !addsUp || wrong > 0 { return .wrong }
        if !isPlanned { return .notPlanned }
        if open > 0 || stats.pending + stats.processing > 0 { return .notFinished }
        return failures.isEmpty && stats.failedRecords == 0 ? .complete : .failed
    }

    /// Whether the plan is complete, nothing failed, and nothing is wrong or missing.
    package var isRight: Bool { verdict == .complete }
}
