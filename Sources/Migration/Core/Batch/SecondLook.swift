/// When records that the source did not return are read a second time, and how long one runner waits for that
/// altogether.
///
/// A replica may answer reads and be some seconds behind the server that answered the plan. A row that a lagging
/// replica does not have may still exist, so its points must not be deleted.
package struct SecondLook: Sendable, Equatable {
    /// The shortest time between the two looks at one record.
    ///
    /// A replica that keeps up lags by less than a second, and by a few when the server is busy. A batch of 100 records
    /// takes several seconds to embed, so most batches do not wait at all. A longer lag is reported to the operator
    /// (`suggestsLag`) and found by `verify`.
    package static let gap = Duration.seconds(5)

    /// The time that all workers of a runner may wait before they have seen a single row come back: 60 batches.
    ///
    /// After so many batches without one, the rows are deleted and not late; a job with deleted rows in each of its
    /// 10,000 batches must not take 14 hours longer.
    static let waitedMax = Duration.seconds(300)

    /// When that time is used up, the workers together may still wait for a twentieth of the passing time: a replica
    /// can begin to lag in the tenth hour.
    static let refill = 20

    private var waited = Duration.zero
    private var began: Duration?

    package init() {}

    /// Decides how long to wait before the second look; the wait counts as used.
    ///
    /// - Parameters:
    ///   - first: when the first look was answered.
    ///   - now: the time on the same clock.
    /// - Returns: zero when the gap has passed, or when this runner has waited enough: then the second look comes at
    ///   once.
    package mutating func wait(since first: Duration, at now: Duration) -> Duration {
        let start = began ?? now
        began = start
        let left = first + Self.gap - now
        guard left > .zero, waited + left <= Self.waitedMax + (now - start) / Self.refill else { return .zero }
        waited += left
        return left
    }

    /// A second look has found a row: this source does lag, so waiting is useful again.
    package mutating func foundLateRow() { waited = .zero }

    /// Whether the number of missing rows of a batch suggests a replica that lags by more than the gap: more than 1 %.
    ///
    /// Rows are also deleted normally between plan and read, but rarely so many.
    package static func suggestsLag(missing: Int, of records: Int) -> Bool { missing > records / 100 }
}
