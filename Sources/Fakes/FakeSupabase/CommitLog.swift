package import Migration

/// Receives every call of a store that was committed or refused, in the order of the commits.
package protocol CommitLog: Sendable {
    /// One call at one moment, while no other call can change the tables.
    ///
    /// - Parameters:
    ///   - call: the call as it arrived.
    ///   - answer: its answer, or why there is none.
    ///   - at: microseconds of the database clock since `DatabaseTime.start`.
    ///   - chance: the value of `ingestion_random()` during the call: 0..<1.
    func note<Call: TrackingCall>(
        _ call: Call,
        _ answer: Result<Call.Answer, PortFailure>,
        at: Int64,
        chance: Double
    )
}
