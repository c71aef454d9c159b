import Migration
import Simulation

/// Chance of one process, from the simulation's own.
///
/// Accesses are not checked at run time: `next` runs no code of others while it changes the generator.
final class SimEntropy: Entropy, @unchecked Sendable {  // Confined to the simulation's thread.
    @safe @exclusivity(unchecked) private var random: SimRandom

    init(_ random: SimRandom) { self.random = random }

    func next() -> UInt64 { random.next() }
}
