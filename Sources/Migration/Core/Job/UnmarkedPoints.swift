/// To whom the points without a source belong: in one collection to exactly one source.
package enum UnmarkedPoints: String, Sendable, Codable, CaseIterable {
    /// To the source of this job: they are older versions of its records, or the existing application wrote them.
    case ours
    /// To another source: they are neither read nor replaced nor deleted.
    case foreign

    /// The key under which a job keeps the decision beside its configuration; it does not enter the hash.
    package static let configKey = "unmarked_points"

    /// What is known when a job is begun.
    package struct Situation: Sendable, Equatable {
        /// What `UNMARKED_POINTS` says.
        package var setting: UnmarkedPoints?
        /// What the newest job of this target that knows has decided.
        package var stored: UnmarkedPoints?
        /// The table whose job has decided that they are its own.
        package var claimant: String?
        /// Points without a source.
        package var count = 0
        /// Other sources: by the points they have marked, or by their jobs into this collection.
        package var others: [String] = []
        /// Whether rows of our table belong to them; nil where there are too few to judge.
        package var fitsOurTable: Bool?

        package init() {}
    }

    /// What follows from it.
    package enum Decision: Sendable, Equatable {
        case decided(UnmarkedPoints)
        /// Only a person can decide; until then nothing is written.
        case undecided
        /// `UNMARKED_POINTS=ours`, but another table has them.
        case taken(by: String)
    }

    /// Decides (jobs.md §2).
    ///
    /// Only the setting, and what was decided before, come before the facts. A collection that the version before has loaded has
    /// points of one table and no other source: they are ours, and a run costs nothing.
    package static func decide(_ situation: Situation) -> Decision {
        if situation.setting == .ours, let claimant = situation.claimant { return .taken(by: claimant) }
        if let known = situation.setting ?? situation.stored { return .decided(known) }
        if situation.claimant != nil { return .decided(.foreign) }
        if situation.count == 0 { return .decided(situation.others.isEmpty ? .ours : .foreign) }
        if !situation.others.isEmpty || situation.fitsOurTable == false { return .undecided }
        return .decided(.ours)
    }
}
