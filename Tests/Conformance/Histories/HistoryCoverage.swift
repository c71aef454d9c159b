/// How often what a test hunts for really happened: a run in which no late worker met a new owner proves nothing.
package struct HistoryCoverage: Sendable, Equatable, CustomStringConvertible {
    /// A finish or a heartbeat of an ended attempt found the batch under another worker's lease.
    package var staleMetNewOwner = 0
    /// A claim with a known claim id got the batches that it held.
    package var repeatedClaims = 0
    /// Another controller took over a plan that was begun and not sealed.
    package var plannersDied = 0
    /// A page of a controller that had been replaced.
    package var pagesOfAnOldEpoch = 0
    /// A floor hid everything that could be claimed.
    package var secondLooks = 0
    /// A heartbeat came after its lease and before the reaper.
    package var leasesRevived = 0
    /// Attempts that the reaper ended.
    package var reaped = 0
    /// A finish that had been applied already.
    package var repeatedFinishes = 0
    package var finalized = 0
    /// Joins of a job that had ended.
    package var joinsTooLate = 0
    /// Requeues that opened something.
    package var requeued = 0

    package init() {}

    private static var counters: [(name: String, path: WritableKeyPath<Self, Int>)] {
        [
            ("stale call met a new owner", \.staleMetNewOwner), ("repeated claim got the same", \.repeatedClaims),
            ("planner died between pages", \.plannersDied), ("page of an old epoch", \.pagesOfAnOldEpoch),
            ("second look", \.secondLooks), ("lease revived", \.leasesRevived), ("reaped", \.reaped),
            ("finish repeated", \.repeatedFinishes), ("finalized", \.finalized), ("requeued", \.requeued),
            ("join of an ended job", \.joinsTooLate),
        ]
    }

    package static func += (left: inout Self, right: Self) {
        for (_, path) in counters { left[keyPath: path] += right[keyPath: path] }
    }

    package var description: String {
        Self.counters.map { "\($0.name) \(self[keyPath: $0.path])" }.joined(separator: ", ")
    }

    /// The counters that stayed below their floor, in words.
    ///
    /// To reach a floor, change the workload, not the floor.
    package func shortfalls(below floors: Self) -> [String] {
        Self.counters.compactMap { name, path in
            self[keyPath: path] < floors[keyPath: path]
                ? "\(name): \(self[keyPath: path]), floor \(floors[keyPath: path])" : nil
        }
    }
}

extension HistoryCoverage {
    /// What a run of the reduced suite must reach.
    package static let floors: Self = {
        var floors = Self()
        floors.staleMetNewOwner = 50
        floors.repeatedClaims = 50
        floors.plannersDied = 20
        floors.pagesOfAnOldEpoch = 20
        floors.secondLooks = 20
        floors.leasesRevived = 20
        floors.reaped = 50
        floors.repeatedFinishes = 50
        floors.finalized = 20
        floors.requeued = 20
        return floors
    }()
}
