/// A broken invariant, with what shows it.
///
/// For invariants that no table shows; a finding in the tables is a `TrackingViolation`, which names its job.
package struct Finding: Sendable, Hashable, CustomStringConvertible {
    /// Its number in `docs/tracking.md`.
    package let invariant: Int
    package let text: String

    package init(_ invariant: Int, _ text: String) {
        self.invariant = invariant
        self.text = text
    }

    package var description: String { "I\(invariant) \(text)" }
}
