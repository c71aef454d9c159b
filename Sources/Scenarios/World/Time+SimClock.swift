import Migration
import Simulation

extension Time {
    /// The virtual time of a node; the generic initialiser would cost 1 % of a run.
    init(_ clock: SimClock) {
        let origin = clock.now
        self.init(
            elapsed: { origin.duration(to: clock.now) },
            sleeping: { try await clock.sleep(until: clock.now.advanced(by: $0), tolerance: nil) }
        )
    }
}
