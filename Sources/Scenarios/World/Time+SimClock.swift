import Migration
import Simulation

extension Time {
    /// The virtual time of a node, by code of this clock alone: the general one would cost a hundredth of a run.
    init(_ clock: SimClock) {
        let origin = clock.now
        self.init(
            elapsed: { origin.duration(to: clock.now) },
            sleeping: { try await clock.sleep(until: clock.now.advanced(by: $0), tolerance: nil) }
        )
    }
}
