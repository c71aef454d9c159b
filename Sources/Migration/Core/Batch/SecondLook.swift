/// When records that the source did not give are asked for a second time, and how long one runner waits for that altogether.
///
/// Reads may be answered by a replica that is some seconds behind the server which answered the plan. A row that a lagging
/// replica does not have is not a row that is gone, and its points must not be deleted.
package struct SecondLook: Sendable, Equatable {
    /// The least time between the two looks at one record.
    ///
    /// A replica that keeps up lags by less than a second, and by a few when the server is busy; a batch of 100 records takes
    /// several seconds to embed, so that most batches do not wait at all. What lags by more is told to the operator
    /// (`suggestsLag`) and found by `verify`.
    package static let gap = Duration.seconds(5)

    /// What the workers of a runner may wait together before they have seen a single row come back: 60 batches.
    ///
    /// After so many batches without one, the rows are deleted rather than late, and a job with deleted rows in each of its
    /// 10,000 batches must not take 14 hours longer.
    static let waitedMax = Duration.seconds(300)

    /// When that is used up, the workers together may still wait a twentieth of the time that passes: a replica can begin to lag
    /// in the tenth hour.
    static let refill = 20

    private var waited = Duration.zero
    private var began: Duration?

    package init() {}

    /// Decides how long to wait before the second look; the wait counts as taken.
    ///
    /// - Parameters:
    ///   - first: when the first look was answered.
    ///   - now: the time on the same clock.
    /// - Returns: nothing when the gap has passed meanwhile, or when this runner has waited enough: then the second look comes
    ///   at once.
    package mutating func wait(since first: Duration, at now: Duration) -> Duration {
        let start = began ?? now
        began = start
        let left = first + Self.gap - now
        guard left > .zero, waited + left <= Self.waitedMax + (now - start) / Self.refill else { return .zero }
        waited += left
        return left
    }

    /// A second look has found a row: this source does lag, so waiting is worth its time again.
    package mutating func foundLateRow() { waited = .zero }

    /// Whether so many missing rows of a batch suggest a replica that lags by more than the gap: more than 1 %.
    ///
    /// Rows are also deleted in the ordinary way between plan and read, but rarely that many.
    package static func suggestsLag(missing: Int, of records: Int) -> Bool { missing > records / 100 }
}
