/// Decides which jobs a store may delete and which it still needs.
///
/// Later jobs need answers of ended ones: the next job of a target takes the names of its source from its predecessor;
/// the jobs into a collection tell whose its unmarked points are; and a job with records shows that a source has points
/// there. So for each such answer the newest job that has it stays, however old it is.
package struct Retention: Sendable, Equatable {
    /// The number of newest jobs per target that stay, whatever their age.
    package let keep: Int
    /// Jobs that ended at least this long ago may be deleted.
    package let olderThan: Duration

    /// At least one job of each target stays.
    package init(olderThan: Duration, keep: Int) {
        precondition(keep > 0 && olderThan >= .zero)
        self.olderThan = olderThan
        self.keep = keep
    }

    /// In milliseconds, as a parameter of the calls.
    package var olderThanMs: Int64 {
        let (whole, overflows) = olderThan.components.seconds.multipliedReportingOverflow(by: 1000)
        return overflows ? .max : whole
    }

    /// Why a job is deleted.
    package enum Reason: String, Sendable, Codable, CaseIterable {
        /// It ended long enough ago.
        case old
        /// An earlier deletion was interrupted.
        case interrupted
        /// Its row was deleted by hand, but not everything that belongs to it.
        case orphaned
    }

    /// A job that is deleted.
    package struct Departure: Sendable, Equatable {
        package let job: RetentionSummary
        package let reason: Reason
    }

    /// What to delete.
    package struct Plan: Sendable, Equatable {
        /// Jobs that are deleted, the oldest first.
        package var departures: [Departure] = []
        /// Jobs that stay and lose their events, the oldest first.
        package var histories: [RetentionSummary] = []
        /// Old jobs beyond the number that is kept: they stay because only they have some information.
        package var needed: [RetentionSummary] = []
    }

    /// Decides.
    ///
    /// - Parameter jobs: all jobs of the store, in any order.
    /// - Returns: what is deleted, and what stays for which reason.
    package func plan(_ jobs: [RetentionSummary]) -> Plan {
        var plan = Plan()
        var seen: [String: Int] = [:]
        var told: Set<Knowledge> = []
        for row in jobs.sorted(by: { $0.jobId > $1.jobId }) {
            guard let job = row.job else {
                plan.departures.append(Departure(job: row, reason: .orphaned))
                continue
            }
            if row.deleting {
                plan.departures.append(Departure(job: row, reason: .interrupted))
                continue
            }
            seen[job.targetKey, default: 0] += 1
            let isAmongTheNewest = seen[job.targetKey, default: 0] <= keep
            let knowledge = Knowledge.of(job)
            let isNeeded = !told.isSuperset(of: knowledge)
            let isOld = !job.status.isOpen && (row.endedMs ?? 0) >= olderThanMs
            let goes = isOld && !isAmongTheNewest && !isNeeded
            if goes {
                plan.departures.append(Departure(job: row, reason: .old))
                continue
            }
            told.formUnion(knowledge)
            guard isOld else { continue }
            if !isAmongTheNewest { plan.needed.append(row) }
            if row.hasEvents { plan.histories.append(row) }
        }
        plan.departures.reverse()
        plan.histories.reverse()
        plan.needed.reverse()
        return plan
    }

    /// Checks what would be lost with one job, besides its own numbers.
    ///
    /// - Returns: whether the job has information about its target that no other job has.
    package static func isNeeded(_ job: JobSummary, among jobs: [RetentionSummary]) -> Bool {
        let others = jobs.filter { $0.jobId != job.id && !$0.deleting }.compactMap(\.job)
        let isLast = !others.contains { $0.targetKey == job.targetKey }
        let told = others.reduce(into: Set<Knowledge>()) { $0.formUnion(Knowledge.of($1)) }
        return isLast || !told.isSuperset(of: Knowledge.of(job))
    }

    /// Information that later jobs need from earlier ones (`Joining`).
    private struct Knowledge: Hashable {
        let target: String
        let source: String
        let points: [String]
        /// `ours` or `foreign`; nil = the information that this source has planned records into the collection.
        let unmarked: String?

        static func of(_ job: JobSummary) -> Set<Self> {
            var all: Set<Self> = []
            if let unmarked = job.config[UnmarkedPoints.configKey] { all.insert(Self(job, unmarked)) }
            if job.totalRecords > 0 { all.insert(Self(job, nil)) }
            return all
        }

        private init(_ job: JobSummary, _ unmarked: String?) {
            target = job.targetKey
            source = job.table
            points = job.servers.points.sorted()
            self.unmarked = unmarked
        }
    }
}
