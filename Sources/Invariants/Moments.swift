package import Migration

// Histories hold moments as nanoseconds since `DatabaseTime.start`.

extension DatabaseTime {
    /// Nanoseconds since `start`, where the clocks of a simulation begin.
    package var sinceStart: Int64 { (microseconds - DatabaseTime.start.microseconds) * 1000 }
}

// This room does not know the simulation, which has the same property for its clock.
extension Duration {
    /// Rounded towards zero.
    var nanoseconds: Int64 { Int64(attoseconds / 1_000_000_000) }
}
