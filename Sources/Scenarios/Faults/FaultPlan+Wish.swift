import Simulation

extension FaultPlan {
    /// What somebody wants otherwise than the seed draws it: how many hosts and batches, which classes of faults.
    ///
    /// The seed draws everything first, so that what is not wished for stays as it is: a class that is taken away leaves the
    /// strengths of the others alone, and a smaller table is the beginning of the larger one. To wish for what the seed draws
    /// anyway changes nothing.
    package struct Wish: Sendable, Hashable {
        package var hosts: Int?
        package var batches: Int?
        /// Exactly these.
        package var faults: Set<Class>?

        package init(hosts: Int? = nil, batches: Int? = nil, faults: Set<Class>? = nil) {
            self.hosts = hosts
            self.batches = batches
            self.faults = faults
        }

        package var isEmpty: Bool { self == Wish() }

        /// The classes of faults in an order that is always the same.
        package var faultList: [Class] { Class.allCases.filter { faults?.contains($0) ?? false } }
    }

    /// How large the run is and what may go wrong in it: as a wish, this plan again.
    var shape: Wish { Wish(hosts: hosts, batches: batchesWished ?? batches, faults: classes) }

    /// Puts a wish in the place of what was drawn.
    ///
    /// - Parameters:
    ///   - wish: what is not nil in it counts.
    ///   - random: gives strengths to the classes that have none yet, the same ones whichever of them are wanted.
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
