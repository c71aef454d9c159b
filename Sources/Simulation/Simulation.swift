// Longer than 300 lines: one executor, whose queue, clocks and waits share their state.

import CSimulation
import Foundation
import HeapModule

/// One run of a whole system, in one thread and in virtual time: its seed decides everything.
///
/// Two intakes bring every job of Swift's concurrency here: each `SimNode` is the executor of its tasks, and a hook in
/// the runtime catches jobs without an executor. One loop picks among the ready jobs by the seed; time advances only
/// when no job is ready. So the seed decides which job runs next, when time advances, what the network loses and which
/// process dies.
///
/// Confined to the thread that calls `run`: a job that comes from another thread ends the process and names the seed,
/// since a real timer, thread or socket has then leaked in. The properties that every step touches are not checked for
/// overlapping accesses at run time, which would take 3 % of it: no foreign code runs while one of them is being
/// changed.
package final class Simulation: @unchecked Sendable {  // Confined to one thread, and `submit` checks that it is.
    package struct Options: Sendable {
        /// A run with this many steps is taken for endless.
        package var stepsMax = 3_000_000
        /// Called with each event when it happens, also in a run that never ends.
        package var tell: (@Sendable (String) -> Void)?

        package init() {}
    }

    private struct Ready {
        let job: UnownedJob
        let node: SimNode
    }

    private struct Alarm: Comparable {
        let at: Int64
        let tie: UInt64
        let timer: SimTimer

        static func < (left: Self, right: Self) -> Bool { (left.at, left.tie) < (right.at, right.tie) }
        static func == (left: Self, right: Self) -> Bool { (left.at, left.tie) == (right.at, right.tie) }
    }

    private struct Parked {
        var state = SimNode.State.running
        var jobs: [UnownedJob] = []
        var timers: [SimTimer] = []
    }

    package let seed: UInt64
    package let options: Options
    /// Random numbers of the world: faults, latencies, the workload; never those of the schedule.
    @safe @exclusivity(unchecked) package var chance: SimRandom
    /// Nanoseconds since the beginning.
    @safe @exclusivity(unchecked) package private(set) var now: Int64 = 0
    package private(set) var steps = 0
    package private(set) var failure: String?
    /// The run is judged; what is left only ends, so that its memory is freed.
    ///
    /// No call may have an effect any more.
    @safe @exclusivity(unchecked) package private(set) var isUnwinding = false

    /// Kept until the last task has ended, because the tasks of the scenario use it without owning it.
    package var world: AnyObject?
    /// Says at a failure what else is wrong at that moment.
    package var explanation: ((_ reason: String) -> String?)?

    @safe @exclusivity(unchecked) private var schedule: SimRandom
    @safe @exclusivity(unchecked) private var hash = TraceHash()
    private var nodes: [SimNode] = []
    @safe @exclusivity(unchecked) private var parked: [Parked] = []
    private var roots: [Task<Void, Never>] = []
    @safe @exclusivity(unchecked) private var ready: [Ready] = []
    @safe @exclusivity(unchecked) private var alarms = Heap<Alarm>()
    private var isDone = false
    private var isClosed = false
    private let thread = pthread_self()
    /// The node whose job is running: it becomes the owner of what the second intake catches.
    @safe @exclusivity(unchecked) private var current: SimNode?
    /// The node of the scenario itself, which meets no faults.
    package var harness: SimNode {
        guard let node = harnessNode else { preconditionFailure("seed \(seed): the run is over") }
        return node
    }
    @safe @exclusivity(unchecked) private var harnessNode: SimNode?

    private init(seed: UInt64, options: Options) {
        self.seed = seed
        self.options = options
        var random = SimRandom(seed: seed)
        schedule = random.split()
        chance = random.split()
        harnessNode = node("harness")
        current = harnessNode
    }

    // MARK: - Nodes

    /// Adds a process.
    package func node(_ name: String, error: ClockError = .none) -> SimNode {
        let node = SimNode(name: name, number: nodes.count, error: error, simulation: self)
        nodes.append(node)
        parked.append(Parked())
        return node
    }

    func state(of node: SimNode) -> SimNode.State { parked[node.number].state }

    func keep(_ root: Task<Void, Never>) { roots.append(root) }

    /// Kills a process.
    package func crash(_ node: SimNode) {
        guard node.state != .crashed else { return }
        note("crash \(node.name)")
        stop(node, .crashed)
        parked[node.number].timers = []
    }

    /// Stops a process for a while.
    package func freeze(_ node: SimNode) {
        guard node.isRunning else { return }
        note("freeze \(node.name)")
        stop(node, .frozen)
    }

    /// Lets a frozen process go on, as if no time had passed for it: this makes zombies.
    package func thaw(_ node: SimNode) {
        guard node.state == .frozen else { return }
        note("thaw \(node.name)")
        let waiting = parked[node.number]
        parked[node.number] = Parked()
        ready += waiting.jobs.map { Ready(job: $0, node: node) }
        for timer in waiting.timers { arm(timer, at: now) }
    }

    private func stop(_ node: SimNode, _ state: SimNode.State) {
        parked[node.number].state = state
        parked[node.number].jobs += ready.filter { $0.node === node }.map(\.job)
        ready.removeAll { $0.node === node }
    }

    // MARK: - What happened

    /// Adds an event to the hash and passes it to `tell`.
    package func note(_ event: @autoclosure () -> String) {
        guard !isUnwinding else { return }
        let text = event()
        hash.add(text)
        if let tell = options.tell {
            let seconds = String(format: "%11.6f", Double(now) * 1e-9)
            tell("\(seconds)  \(current?.name ?? "")  \(text)")
        }
    }

    /// Ends the run; only the first reason is kept.
    package func fail(_ reason: String) {
        guard failure == nil, !isUnwinding else { return }
        failure = reason
        if let more = explanation?(reason) { failure = "\(reason) \(more)" }
        note("FAIL \(reason)")
    }

    // MARK: - Time

    /// Does something at a later time, on the scheduler itself, as one step of a node.
    ///
    /// A crashed node does nothing; a frozen one does it when it thaws.
    @discardableResult
    package func after(_ duration: Duration, on node: SimNode, _ action: @escaping () -> Void) -> SimTimer {
        let timer = SimTimer(node, .action(action))
        arm(timer, at: now + duration.nanoseconds)
        return timer
    }

    func sleep(until due: Int64, on node: SimNode) async throws {
        let timer = SimTimer(node, .nothing)
        try await withTaskCancellationHandler {
            try await unsafe withUnsafeThrowingContinuation { (continuation: UnsafeContinuation<Void, any Error>) in
                guard !isUnwinding, !Task.isCancelled else {
                    return unsafe continuation.resume(throwing: CancellationError())
                }
                unsafe timer.due = .sleep(continuation)
                arm(timer, at: max(due, now))
            }
        } onCancel: {
            timer.cancel()
        }
    }

    private func arm(_ timer: SimTimer, at moment: Int64) {
        alarms.insert(Alarm(at: moment, tie: schedule.next(), timer: timer))
    }

    /// Advances time to the next thing that is due.
    ///
    /// - Returns: false when nothing is due any more.
    private func fireEarliestTimer() -> Bool {
        while let alarm = alarms.popMin() {
            let timer = alarm.timer
            if case .nothing = timer.due { continue }
            if alarm.at > now {
                now = alarm.at
                hash.add(UInt64(bitPattern: now))
            }
            switch timer.node.state {
            case .crashed:
                // Releases what a pending action would have used; a sleeping task is ended with its node.
                if case .action = timer.due { timer.due = .nothing }
                continue
            case .frozen: parked[timer.node.number].timers.append(timer)
            case .running: fire(timer)
            }
            return true
        }
        return false
    }

    private func fire(_ timer: SimTimer) {
        current = timer.node
        defer { current = harness }
        let due = timer.due
        timer.due = .nothing
        switch due {
        case .sleep(let continuation): unsafe continuation.resume()
        case .action(let action): action()
        case .nothing: break
        }
    }

    // MARK: - The loop

    /// Both intakes end here.
    func submit(_ job: UnownedJob, on node: SimNode) {
        guard pthread_equal(pthread_self(), thread) != 0 else {
            fatalError("seed \(seed): a job of \(node.name) comes from another thread")
        }
        // What still arrives after the end is dropped.
        if isClosed { return }
        if parked[node.number].state == .running {
            ready.append(Ready(job: job, node: node))
        } else {
            parked[node.number].jobs.append(job)
        }
    }

    private func drive(stepsMax: Int, until isOver: () -> Bool) {
        while !isOver() {
            guard !ready.isEmpty else {
                if !isUnwinding, fireEarliestTimer() { continue }
                return
            }
            guard steps < stepsMax else { return fail("livelock: \(steps) steps, at \(Duration.nanoseconds(now))") }
            let pick = ready.count == 1 ? 0 : schedule.below(ready.count)
            let next = ready[pick]
            steps += 1
            if !isUnwinding { hash.add(UInt64(ready.count) << 32 | UInt64(pick) << 16 | UInt64(next.node.number)) }
            ready.swapAt(pick, ready.count - 1)
            ready.removeLast()
            current = next.node
            unsafe next.job.runSynchronously(on: next.node.asUnownedTaskExecutor())
            current = harness
        }
    }

    private func perform(_ body: @escaping @Sendable (Simulation) async throws -> Void) {
        unsafe simulation_install { simulation, job in
            guard let simulation = unsafe simulation, let job = unsafe job else { return }
            let current = unsafe Unmanaged<Simulation>.fromOpaque(simulation).takeUnretainedValue()
            current.submit(unsafe unsafeBitCast(job, to: UnownedJob.self), on: current.current ?? current.harness)
        }
        let outer = unsafe simulation_current()
        unsafe simulation_set_current(Unmanaged.passUnretained(self).toOpaque())
        defer { unsafe simulation_set_current(outer) }
        harness.spawn { [unowned self] in
            do { try await body(self) } catch { fail("the scenario ended with \(error)") }
            isDone = true
        }
        drive(stepsMax: options.stepsMax) { isDone || failure != nil }
        if !isDone { fail("deadlock: nothing is ready and nothing is due, at \(Duration.nanoseconds(now))") }
        unwind()
    }

    /// Ends the remaining tasks, outside the hash and within limits: without this every run leaks its suspended tasks.
    private func unwind() {
        isUnwinding = true
        for node in nodes {
            ready += parked[node.number].jobs.map { Ready(job: $0, node: node) }
            parked[node.number] = Parked()
        }
        for root in roots { root.cancel() }
        while let alarm = alarms.popMin() { alarm.timer.cancel() }
        drive(stepsMax: steps + options.stepsMax) { false }
        isClosed = true
        roots = []
        ready = []
        world = nil
        explanation = nil
        nodes = []
        harnessNode = nil
        current = nil
    }
}

extension Simulation {
    /// How a run ended.
    package struct Result: Sendable {
        package let seed: UInt64
        /// Equal for two runs that took the same steps.
        package let hash: UInt64
        package let steps: Int
        /// Virtual time.
        package let time: Duration
        /// Nil when the run found nothing wrong.
        package let failure: String?
    }

    /// Runs a scenario to its end on the calling thread.
    package static func run(
        seed: UInt64,
        options: Options = Options(),
        _ body: @escaping @Sendable (Simulation) async throws -> Void
    ) -> Result {
        let simulation = Simulation(seed: seed, options: options)
        return withExtendedLifetime(simulation) {
            simulation.perform(body)
            return Result(
                seed: seed,
                hash: simulation.hash.value,
                steps: simulation.steps,
                time: .nanoseconds(simulation.now),
                failure: simulation.failure
            )
        }
    }
}
