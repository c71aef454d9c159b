import Engine
import Fakes
import Invariants
import Migration
import Scenarios
import Synchronization
import Testing

/// The same plan comes out wherever its planner is interrupted, and whether or not it ever comes back.
extension EngineTests {
    @Suite struct PlannerInterruptionTests {
        @Test(arguments: [PlannerInterruption.Kind.death, .absence])
        func `a planner that is interrupted before and after every one of its calls is replaced`(
            kind: PlannerInterruption.Kind
        ) async throws {
            var (steps, refused, inMidPlan) = (0, 0, 0)
            for call in 1... {
                for isBefore in [true, false] {
                    let interruption = PlannerInterruption(call: call, isBefore: isBefore, kind: kind)
                    let played = try await Played.play(interruption)
                    guard played.wasInterrupted else {
                        print("planner's \(kind): \(steps) steps, \(inMidPlan) in mid plan, \(refused) refused")
                        #expect(steps >= 30)
                        #expect(inMidPlan >= 10)
                        #expect(kind == .death || refused >= 10)
                        return
                    }
                    steps += 1
                    inMidPlan += played.planAtInterruption.map { 0 < $0 && $0 < Played.ids.count } == true ? 1 : 0
                    refused += kind == .absence && played.wasRefused ? 1 : 0
                    #expect(played.planned == Played.ids, "I12: interrupted \(interruption)")
                    #expect(played.isSealed && played.addsUp, "interrupted \(interruption)")
                    #expect(played.violations == [], "interrupted \(interruption)")
                }
            }
        }
    }
}

/// When a planner is interrupted, and how.
struct PlannerInterruption: Sendable, CustomStringConvertible {
    enum Kind: Sendable {
        /// It never does anything again.
        case death
        /// It goes on when its successor is done.
        case absence
    }

    /// The number of the call, from 1.
    let call: Int
    /// Else after it: then the call was done, and its answer is not seen, or seen late.
    let isBefore: Bool
    let kind: Kind

    var description: String { "\(isBefore ? "before" : "after") call \(call) by \(kind)" }
}

/// What came of a plan whose first planner was interrupted and whose second was not.
private struct Played {
    static let ids = World.rows(35).map(\.id)

    let wasInterrupted: Bool
    /// How many records were planned at that moment; nil before there was a job.
    let planAtInterruption: Int?
    /// Whether the first one came back and was told that another runner plans.
    let wasRefused: Bool
    let planned: [RecordID]
    let isSealed: Bool
    let addsUp: Bool
    let violations: [TrackingViolation]

    static func play(_ interruption: PlannerInterruption) async throws -> Self {
        let clock = LeapingClock()
        let hook = FaultHook(
            before: { call throws(PortFailure) in try await Planner.current?.step(call, isBefore: true, clock) },
            after: { call throws(PortFailure) in try await Planner.current?.step(call, isBefore: false, clock) }
        )
        let world = try await World(rows: World.rows(35), time: Time(clock), storeFaults: hook, sourceFaults: hook)
        let (first, second) = (Planner(interruption), Planner(nil))
        var planAtInterruption: Int?
        await withTaskGroup(of: Void.self) { group in
            group.addTask { await first.plan(world) }
            await first.reached.wait()
            planAtInterruption = try? await world.stats().job.map { Int($0.totalRecords) }
            if interruption.kind == .death {
                group.cancelAll()
                await group.waitForAll()
            }
            clock.advance(by: .seconds(31))
            await second.plan(world)
            first.goesOn.open()
        }
        let job = try #require(await world.stats().job)
        let batches = try await world.store.batches(.init(job: job.id, filter: .init(), after: nil, limit: 1000))
        return Self(
            wasInterrupted: first.wasInterrupted,
            planAtInterruption: planAtInterruption,
            wasRefused: first.wasRefused,
            planned: batches.rows.flatMap(\.recordIds),
            isSealed: job.sealed,
            addsUp: try await world.stats().equal == true,
            violations: world.store.evidence().violations()
        )
    }
}

/// A controller, and what befalls it.
private final class Planner: Sendable {
    /// The process that makes the call of a hook; nil for the test itself.
    @TaskLocal static var current: Planner?

    private struct State {
        var calls = 0
        var renewals = 0
        var wasInterrupted = false
        var wasRefused = false
    }

    /// Opens at the interruption, or at the end without one.
    let reached = Gate()
    let goesOn = Gate()
    private let interruption: PlannerInterruption?
    private let state = Mutex(State())
    private let stop = StopSignal()

    init(_ interruption: PlannerInterruption?) { self.interruption = interruption }

    var wasInterrupted: Bool { state.withLock(\.wasInterrupted) }
    var wasRefused: Bool { state.withLock(\.wasRefused) }

    func plan(_ world: World) async {
        await Self.$current.withValue(self) {
            let open = world.opening()
            let order = Controller.Order(open: open, batchSize: 3, pageSize: 9)
            let ports = EnginePorts(
                source: world.source,
                store: world.store,
                embedder: world.embedder,
                points: world.points,
                time: world.time,
                entropy: SeededEntropy(1),
                report: { [self] event in
                    if case .controlling(false, _) = event { state.withLock { $0.wasRefused = true } }
                }
            )
            guard let opened = try? await world.store.openJob(open) else { return }
            await Controller(ports: ports, state: RunnerState(stop: stop), order: order).run(opened)
        }
        reached.open()
    }

    /// A call is about to be made, or was made.
    func step(_ call: String, isBefore: Bool, _ clock: LeapingClock) async throws(PortFailure) {
        let isMoment = state.withLock { state in
            if isBefore { state.calls += 1 }
            if isBefore, call == RenewController.function { state.renewals += 1 }
            // Four pages have one renewal each; more follow when nothing is left to plan.
            if state.renewals > 6 { stop.raise(.release) }
            guard let interruption, !state.wasInterrupted else { return false }
            state.wasInterrupted = state.calls == interruption.call && isBefore == interruption.isBefore
            return state.wasInterrupted
        }
        if isBefore, call == "mysql.ids" { clock.advance(by: .seconds(11)) }
        if isMoment { reached.open() }
        // The whole process stands still, and with it the renewals beside a call.
        if wasInterrupted { await goesOn.wait() }
        if Task.isCancelled { throw PortFailure(.cancelled, "dead") }
    }
}

/// Lets all callers pass once it is open, or once they are cancelled.
private final class Gate: Sendable {
    private let (stream, continuation) = AsyncStream.makeStream(of: Void.self)

    func open() { continuation.finish() }

    func wait() async { for await _ in stream {} }
}

/// A clock on which every sleep is over at once.
private final class LeapingClock: Clock {
    typealias Duration = Swift.Duration

    struct Instant: InstantProtocol {
        let offset: Swift.Duration
        func advanced(by duration: Swift.Duration) -> Self { Self(offset: offset + duration) }
        func duration(to other: Self) -> Swift.Duration { other.offset - offset }
        static func < (left: Self, right: Self) -> Bool { left.offset < right.offset }
    }

    private let offset = Mutex(Swift.Duration.zero)
    var now: Instant { Instant(offset: offset.withLock(\.self)) }
    let minimumResolution = Swift.Duration.zero

    func advance(by duration: Swift.Duration) { offset.withLock { $0 += duration } }

    func sleep(until deadline: Instant, tolerance: Swift.Duration?) async throws {
        try Task.checkCancellation()
        offset.withLock { $0 = max($0, deadline.offset) }
        await Task.yield()
    }
}
