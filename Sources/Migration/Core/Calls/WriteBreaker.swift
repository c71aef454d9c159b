/// Keeps the workers of a runner from paying for vectors that cannot be written.
///
/// A failed write opens it, a successful write closes it. While it is open, work stops before the next embedding; after
/// some time one piece of work at a time goes on as a probe, after a longer time each time.
package struct WriteBreaker: Sendable {
    private enum State: Sendable {
        case closed
        /// No work goes on until then.
        case open(until: Duration, rest: Duration)
        /// One piece of work has gone on since then; the reference is kept, so that no later object can be mistaken for
        /// it.
        case probing(any AnyObject & Sendable, since: Duration, rest: Duration)
    }

    /// The first rest; it doubles with each probe that fails.
    package static let restMin = Duration.seconds(15)
    /// The longest rest: after an outage nothing is embedded for this much longer.
    static let restMax = Duration.seconds(60)
    /// A probe that has written nothing by then is given up: its records may need no writes.
    static let probeMax = Duration.seconds(60)
    /// The longest single wait, so that waiting workers soon see that it has closed.
    static let waitMax = Duration.seconds(1)

    private var state = State.closed

    package init() {}

    /// Begins as after a failed write: the first piece of work is the probe, the others wait for it.
    package init(startsWithProbe: Bool) {
        if startsWithProbe { state = .open(until: .zero, rest: Self.restMin) }
    }

    /// A write has failed.
    package mutating func failed(at now: Duration) {
        switch state {
        case .closed: state = .open(until: now + Self.restMin, rest: Self.restMin)
        // The works that were writing when it opened fail in the same way.
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

    /// How long a new piece of work should wait before it asks again; nil = it may begin.
    package func wait(at now: Duration) -> Duration? {
        switch state {
        case .closed: nil
        case .open(let until, _): now < until ? min(until - now, Self.waitMax) : nil
        case .probing(_, let since, _): now < since + Self.probeMax ? Self.waitMax : nil
        }
    }

    /// How long a piece of work must wait before it may pay and asks again; nil = it may go on.
    ///
    /// When the rest is over, the first work that asks becomes the probe.
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
