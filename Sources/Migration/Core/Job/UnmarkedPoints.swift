/// To whom the points without a source belong: in one collection they belong to exactly one source.
package enum UnmarkedPoints: String, Sendable, Codable, CaseIterable {
    /// To the source of this job: they are older versions of its records, or the existing application wrote them.
    case ours
    /// To another source: they are neither read nor replaced nor deleted.
    case foreign

    /// The key under which a job stores the decision besides its configuration; it is not part of the hash.
    package static let configKey = "unmarked_points"

    /// What is known when a job is started.
    package struct Situation: Sendable, Equatable {
        /// The value of `UNMARKED_POINTS`.
        package var setting: UnmarkedPoints?
        /// The decision of the newest job of this target that has one.
        package var stored: UnmarkedPoints?
        /// The table whose job has decided that they belong to it.
        package var claimant: String?
        /// The number of points without a source.
        package var count = 0
        /// Other sources: known from points that they have marked, or from their jobs into this collection.
        package var others: [String] = []
        /// Whether the points belong to rows of this job's table; nil if there are too few to judge.
        package var fitsOurTable: Bool?

        package init() {}
    }

    /// The decision.
    package enum Decision: Sendable, Equatable {
        case decided(UnmarkedPoints)
        /// Only a person can decide; until then nothing is written.
        case undecided
        /// `UNMARKED_POINTS=ours`, but another table has them.
        case taken(by: String)
    }

    /// Decides (`docs/guarantees.md` lists the promises).
    ///
    /// Only the setting and earlier decisions come before the facts. A collection that an earlier version of this
    /// program has loaded has points of one table and no other source: they belong to this job, and a run costs
    /// nothing.
    package static func decide(_ situation: Situation) -> Decision {
        if situation.setting == .ours, let claimant = situation.claimant { return .taken(by: claimant) }
        if let known = situation.setting ?? situation.stored { return .decided(known) }
        if situation.claimant != nil { return .decided(.foreign) }
        if situation.count == 0 { return .decided(situation.others.isEmpty ? .ours : .foreign) }
        if !situation.others.isEmpty || situation.fitsOurTable == false { return .undecided }
        return .decided(.ours)
    }
}
