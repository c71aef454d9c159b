/// When the store has answered a process.
package struct StoreContact: Sendable {
    /// A shorter silence does not count, because no lease runs out in it.
    private static let silenceMin: Int64 = 25_000_000_000

    /// When the store last answered, and the long gaps between its answers.
    private var reached: Int64
    private var silences: [ClosedRange<Int64>] = []

    /// - Parameter start: when the process was started.
    package init(since start: Int64) { reached = start }

    package mutating func reached(at now: Int64) {
        if now - reached > Self.silenceMin { silences.append(reached...now) }
        reached = now
    }

    /// Whether the process has had an answer every few seconds since then.
    package func wasReaching(since moment: Int64, at now: Int64) -> Bool {
        now - reached <= Self.silenceMin && !silences.contains { $0.upperBound >= moment }
    }
}
