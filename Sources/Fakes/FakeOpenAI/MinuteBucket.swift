/// A minute's allowance as OpenAI counts it: a bucket that holds the limit and is refilled continuously.
///
/// Source: in public 429 answers the printed wait equals (used + requested − limit) / limit · 60 s. This bucket does
/// not charge a refused request.
struct MinuteBucket: Sendable {
    /// Units per minute, and the size of the full bucket.
    let limit: Double
    private var level: Double
    private var filledAt: Duration

    init(limit: Int, at now: Duration) {
        precondition(limit > 0)
        self.limit = Double(limit)
        level = Double(limit)
        filledAt = now
    }

    /// Units that are available now.
    func remaining(at now: Duration) -> Double {
        min(limit, level + max(0, now.inSeconds(since: filledAt)) * limit / 60)
    }

    /// How long until `amount` is available; zero when it is.
    func wait(for amount: Int, at now: Duration) -> Duration {
        .seconds(max(0, Double(amount) - remaining(at: now)) / limit * 60)
    }

    /// How long until the bucket is full again.
    func reset(at now: Duration) -> Duration { .seconds((limit - remaining(at: now)) / limit * 60) }

    /// Takes `amount`; the caller has called `wait` first.
    mutating func take(_ amount: Int, at now: Duration) {
        level = remaining(at: now) - Double(amount)
        filledAt = now
    }
}

extension Duration {
    fileprivate func inSeconds(since earlier: Duration) -> Double { (self - earlier) / .seconds(1) }
}
