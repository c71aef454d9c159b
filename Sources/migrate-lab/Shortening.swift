import Scenarios

/// A run that can be repeated: its seed, and the wishes that replace what the seed draws.
struct Trial: Sendable, Hashable {
    var seed: UInt64
    var wish = FaultPlan.Wish()
}

/// Makes a failure smaller: decides which run is tried next, and keeps the smallest one that breaks the same invariant.
///
/// Smaller means fewer classes of faults, then fewer batches, then fewer hosts, then fewer steps. Any change shifts all
/// later draws, so each change is also tried with a few neighbouring seeds.
struct Shortening: Sendable {
    /// The result of a run.
    struct Outcome: Sendable, Equatable {
        /// The invariant that it broke, if any.
        let invariant: String?
        let steps: Int
    }

    private enum Pass: CaseIterable {
        case faults, batches, hosts, seeds
    }

    /// Limits of the whole search: a run of the swarm has about 2,500 steps, an endless one 3 million.
    static let runsMax = 200
    static let stepsMax = 20_000_000
    /// The number of seeds per smaller run: in the first round, added in each further round, and in the last one.
    private static let neighbours: UInt64 = 2
    private static let lastNeighbours: UInt64 = 16
    private static let sizes = [1, 2, 3, 5, 8, 13, 21, 34, 55, 89]

    private let invariant: String
    private(set) var runs = 0
    private var stepsLeft = Self.stepsMax
    /// The smallest run so far; nil until the failure itself was repeated.
    private(set) var best: (trial: Trial, steps: Int)?
    private var asked: Trial?
    private var waiting: [Trial]
    private var tried: Set<Trial> = []
    private var pass = Pass.faults
    private var round: UInt64 = 1
    /// Whether a pass of this round has made it smaller: then another round may do so again.
    private var hasGained = false

    /// - Parameters:
    ///   - trial: the failed run, with everything that its seed has drawn as wishes.
    ///   - invariant: the invariant that it broke.
    init(_ trial: Trial, invariant: String) {
        self.invariant = invariant
        waiting = [trial]
    }

    /// The invariant's name at the beginning of a finding.
    static func invariant(of finding: String) -> String { String(finding.prefix { $0 != " " && $0 != ":" }) }

    /// The run to try next; nil when no smaller one is left to try, or the limits are reached.
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

    /// Takes the result of the run that `next` has returned last.
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

    /// Goes on to the next pass, or back to the first one if that may help.
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

    /// The candidates: none of a list, each element alone, all but each half, each quarter, … and all but each element.
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
