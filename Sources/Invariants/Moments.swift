package import Migration

// Histories hold moments as nanoseconds since `DatabaseTime.start`.

extension DatabaseTime {
    /// Nanoseconds since `start`, where the clocks of a simulation begin.
    package var simulated: Int64 { (microseconds - DatabaseTime.start.microseconds) * 1000 }
}

extension Duration {
    /// Rounded towards zero.
    var nanoseconds: Int64 { Int64(attoseconds / 1_000_000_000) }
}
