/// An invariant that does not hold, and what was seen of it.
///
/// What the tables show is told by `TrackingViolation`, which names a job; this is what only somebody sees who watches the
/// processes and the services, too.
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
