package import Migration

/// Hears of every call of a store that has committed or was refused, in the order of the commits.
package protocol CommitLog: Sendable {
    /// One call at one moment, while nobody else can change the tables.
    ///
    /// - Parameters:
    ///   - call: as it came.
    ///   - answer: what it is answered, or why it is not.
    ///   - at: microseconds of the database clock since `DatabaseTime.start`.
    ///   - chance: what `ingestion_random()` gives during the call: 0..<1.
    func note<Call: TrackingCall>(
        _ call: Call,
        _ answer: Result<Call.Answer, PortFailure>,
        at: Int64,
        chance: Double
    )
}
