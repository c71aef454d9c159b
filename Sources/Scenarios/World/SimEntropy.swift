import Migration
import Simulation

/// Chance of one process, from the simulation's own.
final class SimEntropy: Entropy, @unchecked Sendable {  // Confined to the simulation's thread.
    @safe @exclusivity(unchecked) private var random: SimRandom

    init(_ random: SimRandom) { self.random = random }

    func next() -> UInt64 { random.next() }
}
