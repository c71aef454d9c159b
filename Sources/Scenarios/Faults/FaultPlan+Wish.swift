import Simulation

extension FaultPlan {
    /// What the caller sets instead of the seed: the number of hosts and batches, and the classes of faults.
    ///
    /// The seed draws everything first, so a wish changes nothing else: without one class the others keep their
    /// strengths, and a smaller table is the beginning of the larger one. A wish for what the seed draws anyway changes
    /// nothing.
    package struct Wish: Sendable, Hashable {
        package var hosts: Int?
        package var batches: Int?
        /// Exactly these classes; nil = the ones that the seed draws.
        package var faults: Set<Class>?

        package init(hosts: Int? = nil, batches: Int? = nil, faults: Set<Class>? = nil) {
            self.hosts = hosts
            self.batches = batches
            self.faults = faults
        }

        package var isEmpty: Bool { self == Wish() }

        /// The wished classes of faults, always in the same order.
        package var faultList: [Class] { Class.allCases.filter { faults?.contains($0) ?? false } }
    }

    /// How large the run is and what may go wrong in it, as a wish that gives this plan again.
    var shape: Wish { Wish(hosts: hosts, batches: batchesWished ?? batches, faults: classes) }

    /// Replaces what was drawn by a wish.
    ///
    /// - Parameters:
    ///   - wish: what is not nil in it counts.
    ///   - random: draws strengths for the classes that have none yet; a class gets the same strength whichever others
    ///     are wanted.
    mutating func grant(_ wish: Wish, _ random: inout SimRandom) {
        if let hosts = wish.hosts { self.hosts = hosts }
        if let batches = wish.batches {
            batchesWished = batches
            self.batches = max(self.batches, batches)
        }
        guard let faults = wish.faults else { return }
        for member in Class.allCases {
            let spare = Self.strength(&random)
            strengths[member] = faults.contains(member) ? strengths[member] ?? spare : nil
        }
        classes = faults
    }
}
