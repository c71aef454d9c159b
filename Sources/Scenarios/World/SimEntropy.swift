import Migration
import Simulation

/// The random numbers of one process, derived from the simulation's generator.
///
/// Accesses are not checked at run time: `next` calls no other code while it changes the generator.
final class SimEntropy: Entropy, @unchecked Sendable {  // Confined to the simulation's thread.
    @safe @exclusivity(unchecked) private var random: SimRandom

    init(_ random: SimRandom) { self.random = random }

    func next() -> UInt64 { random.next() }
}
