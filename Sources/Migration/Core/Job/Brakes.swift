/// Why a runner paused its job without an operator.
package struct Brake: Sendable, Codable, Equatable {
    package enum Kind: String, Sendable, Codable, CaseIterable {
        /// Too many records were given up for reasons outside their content.
        case failures
        /// A service refused every request of several batches in a row.
        case refusals
        /// Too many records would lose their points.
        case removals
    }

    package let kind: Kind
    /// A sentence for people, without record text; it is stored with the job.
    package let reason: String

    package init(_ kind: Kind, _ reason: String) {
        self.kind = kind
        self.reason = reason
    }
}

/// How much may go wrong before a runner pauses the job.
package struct BrakeLimits: Sendable, Equatable {
    /// A fraction of the records done: one in twenty is more than stray records have ever been, and few enough to look
    /// at.
    package static let share: Int64 = 20

    /// The job is paused after this many failures of services; 0 = never, nil = a twentieth of the records done, at
    /// least 100.
    package var failuresMax: Int?
    /// Removals that are always permitted, 100 in production: a batch of the usual size may lose all its rows.
    package var removalsMin: Int64
    /// Whether any number of records may lose their points.
    package var allowsRemovals: Bool

    package init(failuresMax: Int? = nil, removalsMin: Int64 = 100, allowsRemovals: Bool = false) {
        self.failuresMax = failuresMax
        self.removalsMin = removalsMin
        self.allowsRemovals = allowsRemovals
    }

    /// Whether services may be blamed.
    package var judgesServices: Bool { failuresMax != 0 }

    /// Judges the failures of services.
    ///
    /// - Parameters:
    ///   - failures: failures since the job was last resumed or requeued.
    ///   - done: records done so far, whatever their outcome.
    /// - Returns: why the job must be paused, or nil.
    package func judge(failures: Int64, done: Int64) -> Brake? {
        guard judgesServices else { return nil }
        let limit = failuresMax.map(Int64.init) ?? max(100, done / Self.share)
        guard failures >= limit else { return nil }
        return Brake(
            .failures,
            "\(failures.grouped) records were given up since the job was begun or last resumed, for reasons outside "
                + "their content (\(done.grouped) records are done): `migrate failures` names the reasons"
        )
    }

    /// Judges removals before they are carried out.
    ///
    /// - Parameters:
    ///   - removals: removals since the job was last resumed or requeued, including the new ones.
    ///   - done: records done so far, whatever their outcome.
    /// - Returns: why they must not be carried out, or nil.
    package func judge(removals: Int64, done: Int64) -> Brake? {
        guard !allowsRemovals, removals > removalsMin, removals > done / Self.share else { return nil }
        return Brake(
            .removals,
            "\(removals.grouped) of \(max(done, removals).grouped) records are gone or blank: a wrong table or --where? "
                + "Their points are deleted only with --allow-removals"
        )
    }
}

extension JobStats {
    /// Records of ended batches, whatever their outcome.
    private var done: Int64 { processed + skipped + failedRecords + missing }

    /// Why this job must be paused for its failures, or nil.
    package func failureBrake(_ limits: BrakeLimits) -> Brake? {
        limits.judge(failures: serviceFailures - serviceFailuresBaseline, done: done)
    }

    /// Why these further removals must not be carried out, or nil.
    package func removalBrake(_ limits: BrakeLimits, removing records: Int64) -> Brake? {
        limits.judge(removals: removed - removedBaseline + records, done: done)
    }
}

extension Int64 {
    /// With a comma before every third digit.
    fileprivate var grouped: String {
        let digits = Array(String(magnitude))
        let groups = digits.enumerated().reduce(into: "") { text, digit in
            if digit.offset > 0, (digits.count - digit.offset).isMultiple(of: 3) { text += "," }
            text.append(digit.element)
        }
        return self < 0 ? "-\(groups)" : groups
    }
}
