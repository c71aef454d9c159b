package import Migration
import Synchronization

/// The shared state of the loops of one runner: pauses for all workers, and the reason to stop.
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
        var cache = CacheStanding()
    }

    private let state: Mutex<State>
    private let outageMin: Duration
    /// Raised when this runner must stop.
    package let stop: StopSignal
    /// The texts that its workers embed.
    let texts = TextExchange()

    /// Makes the state of a runner.
    ///
    /// - Parameters:
    ///   - stop: raised from outside by signals, and by `end`.
    ///   - outageMin: the store counts as down when it has answered nothing for this long: one heartbeat interval,
    ///     because no lease runs out within it.
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

    /// Ends the runner; only the first reason is kept.
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

    /// The breaker that keeps workers from paying for vectors that cannot be written.
    package var writes: WriteBreaker { state.withLock { $0.writes } }

    /// Reads or changes the breaker of writes.
    func withWrites<Answer>(_ body: (inout WriteBreaker) -> Answer) -> Answer {
        state.withLock { body(&$0.writes) }
    }

    /// Reads or changes the state of second looks.
    func withSecondLook<Answer>(_ body: (inout SecondLook) -> Answer) -> Answer {
        state.withLock { body(&$0.secondLook) }
    }

    /// Reads or changes the streak of refusals.
    func withRefusals<Answer>(_ body: (inout RefusalStreak) -> Answer) -> Answer {
        state.withLock { body(&$0.refusals) }
    }

    /// Reads or changes the suspicions.
    func withSuspicions<Answer>(_ body: (inout Suspicions) -> Answer) -> Answer {
        state.withLock { body(&$0.suspicions) }
    }

    /// Notes how long a service took for an answer; long times are forgotten gradually.
    func answered(_ service: Service, in time: Duration) {
        state.withLock { $0.slowest[service] = max(time, ($0.slowest[service] ?? .zero) * 0.95) }
    }

    /// A call was answered, which ends its streak of unclassified failures.
    func answered(_ call: ServiceCall) {
        state.withLock { if !$0.streaks.isEmpty { $0.streaks[call] = nil } }
    }

    /// The failure that ends the work, because a call has met nothing but unclassified failures for too long.
    ///
    /// For all workers together, because each of them gives up a call after seconds. Per call, because a service may
    /// answer one call and not another.
    func verdict(on failure: PortFailure, of call: ServiceCall, at now: Duration) -> PortFailure? {
        state.withLock { $0.streaks[call, default: UnclassifiedStreak()].verdict(on: failure, at: now) }
    }

    /// The time limit for a suspect: three times the slowest of the latest answers.
    func patience(with service: Service, atLeast least: Duration) -> Duration {
        max(least, (state.withLock { $0.slowest[service] } ?? .zero) * 3)
    }

    /// A row that was read recently.
    var readableRow: RecordID? { state.withLock { $0.readableRow } }

    /// A row was read.
    func read(_ row: RecordID) { state.withLock { $0.readableRow = row } }

    /// The row does not exist any more.
    func forgetReadableRow() { state.withLock { $0.readableRow = nil } }

    /// A claim has found nothing.
    func foundNothing(at now: Duration) { state.withLock { $0.nothingFoundAt = now } }

    /// Whether a claim found nothing a short time ago, so that a waiting worker delays no other batch.
    func hasNothingElse(at now: Duration) -> Bool {
        guard let found = state.withLock({ $0.nothingFoundAt }) else { return false }
        return now - found < Self.idleMax
    }

    /// This long counts as a short time: a suspect that is tried every 30 s is settled within it.
    private static let idleMax = Duration.seconds(180)

    /// Notes whether the store answered, so that this runner does not reap just after an outage.
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

    /// Reads or changes what this runner waits for and what it has done.
    func withWaits<Answer>(_ body: (inout RunnerWaits) -> Answer) -> Answer { state.withLock { body(&$0.waits) } }

    /// Reads or changes whether the cache of vectors is used.
    func withCache<Answer>(_ body: (inout CacheStanding) -> Answer) -> Answer { state.withLock { body(&$0.cache) } }

    /// Whether the last call to the store was answered.
    var isStoreWell: Bool { state.withLock { $0.storeFailingSince == nil } }

    /// Everything that is known about what this runner does.
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

/// A kind of call to a service, for which a runner may have seen only failures.
struct ServiceCall: Hashable, Sendable {
    private let service: Service
    private let name: String

    init(_ service: Service, _ name: String) {
        self.service = service
        self.name = name
    }
}
