import Synchronization

/// What the loops of one runner share: pauses that all workers keep, and the reason to stop.
package final class RunnerState: Sendable {
    private struct State {
        var embedderPausedUntil = Duration.zero
        var embedderRefusal: PortFailure?
        var reason: StopReason?
        var storeFailingSince: Duration?
        var storeBackAt: Duration?
        var writes = WriteBreaker()
        var secondLook = SecondLook()
        var refusals = RefusalStreak()
        var suspicions = Suspicions()
        /// How long the slowest of the latest answers took, by service.
        var slowest: [Service: Duration] = [:]
        var nothingFoundAt: Duration?
        var readableRow: RecordID?
        var streaks: [ServiceCall: UnclassifiedStreak] = [:]
        /// What this runner waits for, and what it has done.
        var waits = RunnerWaits()
    }

    private let state: Mutex<State>
    private let outageMin: Duration
    /// Raised when this runner must stop.
    package let stop: StopSignal

    /// Makes the state of a runner.
    ///
    /// - Parameters:
    ///   - stop: raised from outside by signals, and by `end`.
    ///   - outageMin: the store is out when it has answered nothing for this long: an interval of the heartbeat, because
    ///     no lease runs out for less.
    ///   - probesWrites: whether one piece of work must write before the others may pay.
    package init(stop: StopSignal, outageMin: Duration = .seconds(30), probesWrites: Bool = false) {
        var state = State()
        state.writes = WriteBreaker(startsWithProbe: probesWrites)
        self.state = Mutex(state)
        self.stop = stop
        self.outageMin = outageMin
    }

    /// Why the runner stops; nil while it runs.
    package var reason: StopReason? { state.withLock { $0.reason } }

    /// Ends the runner; the first reason stays.
    package func end(_ reason: StopReason, level: StopSignal.Level) {
        state.withLock { $0.reason = $0.reason ?? reason }
        stop.raise(level)
    }

    /// Keeps every worker of this runner from calling the embedder until then.
    package func pauseEmbedder(until time: Duration) {
        state.withLock { $0.embedderPausedUntil = max($0.embedderPausedUntil, time) }
    }

    /// Keeps every worker of this runner from calling the embedder for good: a person must act.
    package func stopEmbedder(_ refusal: PortFailure) { state.withLock { $0.embedderRefusal = refusal } }

    /// Why the embedder may not be called any more; nil while it may.
    package var embedderRefusal: PortFailure? { state.withLock { $0.embedderRefusal } }

    /// When the embedder may be called again.
    package var embedderPausedUntil: Duration { state.withLock { $0.embedderPausedUntil } }

    /// What keeps workers from paying for vectors that cannot be written.
    package var writes: WriteBreaker { state.withLock { $0.writes } }

    /// Lets the breaker know, or asks it.
    func withWrites<Answer>(_ body: (inout WriteBreaker) -> Answer) -> Answer {
        state.withLock { body(&$0.writes) }
    }

    /// Asks how long to wait before records are read a second time, or lets it know that one was found.
    func withSecondLook<Answer>(_ body: (inout SecondLook) -> Answer) -> Answer {
        state.withLock { body(&$0.secondLook) }
    }

    /// Lets the streak of refusals know, or asks it.
    func withRefusals<Answer>(_ body: (inout RefusalStreak) -> Answer) -> Answer {
        state.withLock { body(&$0.refusals) }
    }

    /// Asks or changes what is suspected.
    func withSuspicions<Answer>(_ body: (inout Suspicions) -> Answer) -> Answer {
        state.withLock { body(&$0.suspicions) }
    }

    /// Notes how long a service took for an answer; long ones are forgotten by and by.
    func answered(_ service: Service, in time: Duration) {
        state.withLock { $0.slowest[service] = max(time, ($0.slowest[service] ?? .zero) * 0.95) }
    }

    /// A call was answered, for the streaks of unclassified failures.
    func answered(_ call: ServiceCall) {
        state.withLock { if !$0.streaks.isEmpty { $0.streaks[call] = nil } }
    }

    /// The failure that ends the work, because a call has met nothing but unclassified ones for too long.
    ///
    /// For all workers together, because each of them gives up a call after seconds. By call, because a service may answer one
    /// and not the other.
    func verdict(on failure: PortFailure, of call: ServiceCall, at now: Duration) -> PortFailure? {
        state.withLock { $0.streaks[call, default: UnclassifiedStreak()].verdict(on: failure, at: now) }
    }

    /// How long a suspect may take: three times as long as the slowest of the latest answers.
    func patience(with service: Service, atLeast least: Duration) -> Duration {
        max(least, (state.withLock { $0.slowest[service] } ?? .zero) * 3)
    }

    /// A row that was read last.
    var readableRow: RecordID? { state.withLock { $0.readableRow } }

    /// A row was read.
    func read(_ row: RecordID) { state.withLock { $0.readableRow = row } }

    /// The row is not there any more.
    func forgetReadableRow() { state.withLock { $0.readableRow = nil } }

    /// A claim has found nothing.
    func foundNothing(at now: Duration) { state.withLock { $0.nothingFoundAt = now } }

    /// Whether a claim found nothing a short while ago, so that a worker that waits keeps nobody waiting.
    func hasNothingElse(at now: Duration) -> Bool {
        guard let found = state.withLock({ $0.nothingFoundAt }) else { return false }
        return now - found < Self.idleMax
    }

    /// So long ago is a short while: a suspect that is tried every 30 s is settled within it.
    private static let idleMax = Duration.seconds(180)

    /// Notes whether the store answered, so that nobody reaps just after an outage.
    package func storeAnswered(_ answered: Bool, at now: Duration) {
        state.withLock { state in
            if !answered {
                state.storeFailingSince = state.storeFailingSince ?? now
            } else if let since = state.storeFailingSince {
                if now - since >= outageMin { state.storeBackAt = now }
                state.storeFailingSince = nil
            }
        }
    }

    /// What this runner waits for, and what it has done: asked or noted.
    func withWaits<Answer>(_ body: (inout RunnerWaits) -> Answer) -> Answer { state.withLock { body(&$0.waits) } }

    /// Whether the last call to the store was answered.
    var isStoreWell: Bool { state.withLock { $0.storeFailingSince == nil } }

    /// What there is to know of what this runner does.
    func facts(held: Int) -> RunnerActivity.Facts {
        state.withLock { state in
            var facts = state.waits.facts
            facts.isDraining = stop.level > .run
            facts.throttled[.embedder] = state.embedderPausedUntil
            facts.areWritesStopped = state.writes.isStopped
            facts.nothingFoundAt = state.nothingFoundAt
            facts.held = held
            return facts
        }
    }

    /// When the store came back from its last outage; nil without one.
    package var storeBackAt: Duration? { state.withLock { $0.storeBackAt } }
}

/// A call of a service, of which a runner may have seen nothing but failures.
struct ServiceCall: Hashable, Sendable {
    private let service: Service
    private let name: String

    init(_ service: Service, _ name: String) {
        self.service = service
        self.name = name
    }
}
