import Adapters
import Migration

/// Joins the engine with the real world: the only file that names concrete adapters together.
struct Wiring {
    static let entropy: any Entropy = SystemEntropy()

    let settings: Settings

    init(_ settings: Settings) { self.settings = settings }

    func store() async throws -> any JobStore {
        throw CommandEnd(.unavailable, "the tracking store is not joined yet")
    }
}
