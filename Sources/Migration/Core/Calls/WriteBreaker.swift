/// Keeps the workers of a runner from paying for vectors that cannot be written.
///
/// A write that fails opens it, a write that succeeds closes it. While it is open, work stops before the next embedding; after
/// a while one piece of work at a time goes on and finds out, later each time.
package struct WriteBreaker: Sendable {
    private enum State: Sendable {
        case closed
        /// Nobody goes on until then.
        case open(until: Duration, rest: Duration)
        /// One piece of work has gone on since then; it is kept, so that no later one can be taken for it.
        case probing(any AnyObject & Sendable, since: Duration, rest: Duration)
    }

    /// The first rest; it doubles with each probe that fails.
    static let restMin = Duration.seconds(15)
    /// The longest rest: by so much longer than an outage nothing is embedded.
    static let restMax = Duration.seconds(60)
    /// A probe that has written nothing by then is given up: its records may need no writes at all.
    static let probeMax = Duration.seconds(60)
    /// A wait is never longer, so that those who wait soon see that it has closed.
    static let waitMax = Duration.seconds(1)

    private var state = State.closed

    package init() {}

    /// Begins as after a write that has failed: the first piece of work finds out, the others wait for it.
    package init(startsWithProbe: Bool) {
        if startsWithProbe { state = .open(until: .zero, rest: Self.restMin) }
    }

    /// A write has failed.
    package mutating func failed(at now: Duration) {
        switch state {
        case .closed: state = .open(until: now + Self.restMin, rest: Self.restMin)
        // Those who were writing when it opened find the same.
        case .open(let until, let rest): state = .open(until: max(until, now + Self.restMin), rest: rest)
        case .probing(_, _, let rest):
            let longer = min(rest * 2, Self.restMax)
            state = .open(until: now + longer, rest: longer)
        }
    }

    /// A write has succeeded.
    package mutating func succeeded() { state = .closed }

    /// Whether a write has failed and none has succeeded since.
    package var isStopped: Bool {
        if case .closed = state { false } else { true }
    }

    /// Whether a new piece of work had better not begin; the time after which to ask again, or nil to begin.
    package func wait(at now: Duration) -> Duration? {
        switch state {
        case .closed: nil
        case .open(let until, _): now < until ? min(until - now, Self.waitMax) : nil
        case .probing(_, let since, _): now < since + Self.probeMax ? Self.waitMax : nil
        }
    }

    /// Whether a piece of work may go on to pay; the time after which to ask again, or nil to go on.
    ///
    /// When its time has come, the first to ask becomes the probe.
    package mutating func wait(of work: any AnyObject & Sendable, at now: Duration) -> Duration? {
        if case .probing(let prober, _, _) = state, prober === work { return nil }
        if let wait = wait(at: now) { return wait }
        switch state {
        case .closed: break
        case .open(_, let rest), .probing(_, _, let rest): state = .probing(work, since: now, rest: rest)
        }
        return nil
    }
}
