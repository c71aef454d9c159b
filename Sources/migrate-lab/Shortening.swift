import Scenarios

/// A run that can be repeated: its seed, and what is wished for otherwise than the seed draws it.
struct Trial: Sendable, Hashable {
    var seed: UInt64
    var wish = FaultPlan.Wish()
}

/// Makes a failure smaller: decides which run is tried next, and keeps the smallest that breaks the same invariant.
///
/// Smaller is fewer classes of faults, then fewer batches, then fewer hosts, then fewer steps. A change of any kind shifts
/// every draw after it, so each is tried with a few neighbouring seeds as well.
struct Shortening: Sendable {
    /// What became of a run.
    struct Outcome: Sendable, Equatable {
        /// The invariant that it broke, if it broke one.
        let invariant: String?
        let steps: Int
    }

    private enum Pass: CaseIterable {
        case faults, batches, hosts, seeds
    }

    /// Bounds of the whole search: a run of the swarm has about 2,500 steps, one that will not end has 3 million.
    static let runsMax = 200
    static let stepsMax = 20_000_000
    /// How many seeds a smaller run is tried with in the first round and more in each round; and how many in the end.
    private static let neighbours: UInt64 = 2
    private static let lastNeighbours: UInt64 = 16
    private static let sizes = [1, 2, 3, 5, 8, 13, 21, 34, 55, 89]

    private let invariant: String
    private(set) var runs = 0
    private var stepsLeft = Self.stepsMax
    /// The smallest so far; nil until the failure itself was repeated.
    private(set) var best: (trial: Trial, steps: Int)?
    private var asked: Trial?
    private var waiting: [Trial]
    private var tried: Set<Trial> = []
    private var pass = Pass.faults
    private var round: UInt64 = 1
    /// Whether a pass of this round has made it smaller: then another round may do so again.
    private var hasGained = false

    /// - Parameters:
    ///   - trial: what has failed, with all that its seed has drawn as wishes.
    ///   - invariant: the one it broke.
    init(_ trial: Trial, invariant: String) {
        self.invariant = invariant
        waiting = [trial]
    }

    /// The name at the beginning of a finding.
    static func invariant(of finding: String) -> String { String(finding.prefix { $0 != " " && $0 != ":" }) }

    /// The run to try now; nil when nothing smaller is found any more, or enough was tried.
    mutating func next() -> Trial? {
        guard runs < Self.runsMax, stepsLeft > 0 else { return nil }
        while true {
            while !waiting.isEmpty {
                let trial = waiting.removeFirst()
                guard tried.insert(trial).inserted else { continue }
                runs += 1
                asked = trial
                return trial
            }
            guard let best, advance() else { return nil }
            waiting = smaller(than: best.trial)
        }
    }

    /// Hears what became of the run that was asked for last.
    mutating func hear(_ outcome: Outcome) {
        stepsLeft -= outcome.steps
        guard let trial = asked else { return }
        asked = nil
        guard outcome.invariant == invariant else { return }
        guard let best else {
            best = (trial, outcome.steps)
            waiting = smaller(than: trial)
            return
        }
        guard rank(trial, outcome.steps).lexicographicallyPrecedes(rank(best.trial, best.steps)) else { return }
        self.best = (trial, outcome.steps)
        hasGained = true
        waiting = smaller(than: trial)
    }

    private func rank(_ trial: Trial, _ steps: Int) -> [Int] {
        [trial.wish.faultList.count, trial.wish.batches ?? 0, trial.wish.hosts ?? 0, steps]
    }

    /// Goes on to the next pass, or to the first one again if that may help.
    ///
    /// - Returns: false when nothing is left to try.
    private mutating func advance() -> Bool {
        switch pass {
        case .faults: pass = .batches
        case .batches: pass = .hosts
        case .hosts: pass = .seeds
        case .seeds:
            guard hasGained || round == 1 else { return false }
            hasGained = false
            round += 1
            pass = .faults
        }
        return true
    }

    private func smaller(than trial: Trial) -> [Trial] {
        switch pass {
        case .faults:
            return Self.fewer(trial.wish.faultList).flatMap { faults in
                near(trial) { $0.faults = Set(faults) }
            }
        case .batches:
            return Self.sizes.filter { $0 < trial.wish.batches ?? 0 }.flatMap { size in
                near(trial) { $0.batches = size }
            }
        case .hosts:
            return (1..<max(1, trial.wish.hosts ?? 1)).flatMap { hosts in near(trial) { $0.hosts = hosts } }
        case .seeds:
            return near(trial, Self.lastNeighbours) { _ in }
        }
    }

    private func near(
        _ trial: Trial,
        _ count: UInt64? = nil,
        _ change: (inout FaultPlan.Wish) -> Void
    ) -> [Trial] {
        var changed = trial
        change(&changed.wish)
        return (0..<(count ?? Self.neighbours * round)).map { Trial(seed: trial.seed &+ $0, wish: changed.wish) }
    }

    /// None of a list, each of it alone, all but each half, each quarter, … and all but each one.
    private static func fewer(_ faults: [FaultPlan.Class]) -> [[FaultPlan.Class]] {
        var lists: [[FaultPlan.Class]] = faults.isEmpty ? [] : [[]]
        if faults.count > 1 { lists += faults.map { [$0] } }
        var size = faults.count / 2
        while size > 0 {
            for start in stride(from: 0, to: faults.count, by: size) {
                lists.append(Array(faults[..<start] + faults[min(start + size, faults.count)...]))
            }
            size /= 2
        }
        return lists
    }
}
