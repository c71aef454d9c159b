import Fakes
import Invariants
import Migration
import Simulation

/// A fault that strikes again and again until all faults end.
struct Nemesis: Sendable {
    /// The class of faults that switches it on.
    let trigger: FaultPlan.Class
    /// The average time between two strikes, at full strength.
    let every: Duration
    /// When it stops because nothing is left to strike; nil = when all faults end.
    var until: Duration?
    let strike: @Sendable (SimulatedWorld, SimClock) async -> Void

    static let all: [Nemesis] = [
        Nemesis(trigger: .crashes, every: .seconds(20)) { world, _ in world.anyProcess()?.kill() },
        Nemesis(trigger: .freezes, every: .seconds(22)) { world, clock in
            guard let node = (world.anyHolder() ?? world.anyProcess())?.node else { return }
            // Half of the freezes last a little longer than it takes until another worker has the batch.
            let bounds = [1...900, 195...255, 195...255, 195...255, 1...200, 1...200][world.below(6)]
            await world.freeze(
                node,
                for: world.drawn(.seconds(bounds.lowerBound)...Duration.seconds(bounds.upperBound)),
                clock
            )
        },
        Nemesis(trigger: .freezes, every: .seconds(7)) { world, clock in
            // Longer than the batch's deadline, but not so long that the reaper comes first.
            guard let (process, left) = world.nearestDeadline(), left < .seconds(150) else { return }
            await world.freeze(process.node, for: left + world.drawn(.seconds(1)...Duration.seconds(25)), clock)
        },
        Nemesis(trigger: .network, every: .seconds(60)) { world, clock in
            guard let node = world.anyProcess()?.node else { return }
            let server = [world.db, world.mysql, world.openai, world.qdrant][world.below(4)]
            world.simulation.note("cut between \(node.name) and \(server.name)")
            if world.below(2) == 0 {
                world.network.cut(from: node, to: server)
            } else {
                world.network.cut(from: server, to: node)
            }
            try? await clock.sleep(for: world.drawn(.seconds(1)...Duration.seconds(200)))
            world.network.repair()
        },
        Nemesis(trigger: .database, every: .seconds(60)) { world, clock in
            switch world.below(3) {
            case 0: world.faults.takeDown(.database, for: world.drawn(.seconds(1)...Duration.seconds(240)))
            case 1:
                world.simulation.note("the database restarts")
                world.store.restart()
                world.faults.takeDown(.database, for: world.drawn(.seconds(1)...Duration.seconds(10)))
            default: await world.freeze(world.db, for: world.drawn(.milliseconds(100)...Duration.seconds(12)), clock)
            }
        },
        Nemesis(trigger: .qdrant, every: .seconds(60)) { world, clock in
            if world.below(2) == 0 {
                world.faults.takeDown(.qdrant, for: world.drawn(.seconds(1)...Duration.seconds(200)))
            } else {
                // What was sent meanwhile is applied afterwards, whichever worker owns the batch by then.
                await world.freeze(world.qdrant, for: world.drawn(.seconds(1)...Duration.seconds(115)), clock)
            }
        },
        Nemesis(trigger: .embedder, every: .seconds(90)) { world, _ in
            world.faults.takeDown(.embedder, for: world.drawn(.seconds(1)...Duration.seconds(200)))
        },
        Nemesis(trigger: .embedder, every: .seconds(90)) { world, _ in
            world.faults.throttle(for: world.drawn(.seconds(5)...Duration.seconds(60)))
        },
        Nemesis(trigger: .source, every: .seconds(90)) { world, _ in
            world.faults.takeDown(.source, for: world.drawn(.seconds(1)...Duration.seconds(100)))
        },
        Nemesis(trigger: .quota, every: .seconds(120)) { world, _ in
            let limit = 1_000 + world.below(12_000)
            // A quota gate without a stated limit learns the limit only from the server's refusals.
            if world.statedLimit == nil { world.embedder.update { $0.tokensPerMinute = limit } }
        },
        Nemesis(trigger: .money, every: .seconds(150)) { world, clock in
            world.simulation.note("out of money")
            world.embedder.update { $0.isOutOfMoney = true }
            try? await clock.sleep(for: world.drawn(.seconds(1)...Duration.seconds(60)))
            world.embedder.update { $0.isOutOfMoney = false }
        },
        Nemesis(trigger: .full, every: .seconds(100)) { world, clock in
            world.simulation.note("the collection is full")
            world.points.restrict(["max_points_count": .integer(Int64(max(1, world.points.pointCount)))])
            try? await clock.sleep(for: world.drawn(.seconds(1)...Duration.seconds(60)))
            world.giveRoom()
        },
        Nemesis(trigger: .changes, every: .seconds(4)) { world, _ in world.changeSomeRow() },
        Nemesis(trigger: .replica, every: .milliseconds(220), until: SimulatedWorld.arrivalsMax) { world, _ in
            world.insertSomeRow()
        },
        Nemesis(trigger: .refusals, every: .seconds(40)) { world, _ in
            world.faults.refuse(
                world.below(2) == 0 ? .embedder : .qdrant,
                share: world.below(2) == 0 ? 1 : 0.6,
                for: world.drawn(.seconds(10)...Duration.seconds(150))
            )
        },
        Nemesis(trigger: .refusals, every: .seconds(30)) { world, _ in await world.resumeIfPaused() },
        Nemesis(trigger: .emptied, every: .seconds(20)) { world, _ in world.emptyTheTable() },
        Nemesis(trigger: .emptied, every: .seconds(30)) { world, _ in await world.resumeIfPaused() },
        Nemesis(trigger: .control, every: .seconds(7)) { world, clock in await world.operate(clock) },
        Nemesis(trigger: .signals, every: .seconds(40)) { world, clock in
            guard let process = world.anyProcess() else { return }
            process.signal(.drain)
            guard world.below(2) == 0 else { return }
            try? await clock.sleep(for: world.drawn(.milliseconds(10)...Duration.seconds(20)))
            if process.isAlive { process.signal(.release) }
        },
        Nemesis(trigger: .successor, every: .seconds(100)) { world, _ in
            // It starts on a host of its own, so that it replaces no other process.
            world.start(.stranger, on: world.plan.hosts)
        },
        Nemesis(trigger: .caches, every: .seconds(30)) { world, clock in await world.strikeCaches(clock) },
        Nemesis(trigger: .lists, every: .seconds(3)) { world, _ in world.setSomeLists() },
        Nemesis(trigger: .colleagues, every: .seconds(60)) { world, _ in await world.meetColleague() },
    ]
}

extension SimulatedWorld {
    func below(_ bound: Int) -> Int { simulation.chance.below(bound) }
    func drawn(_ range: ClosedRange<Duration>) -> Duration { simulation.chance.duration(range) }

    /// A running process of any host.
    func anyProcess() -> SimulatedProcess? {
        let running = processes.filter { $0.isAlive && $0.node.isRunning && $0.kind != .stranger && !$0.kind.hasMoved }
        return running.isEmpty ? nil : running[below(running.count)]
    }

    /// A running process that holds a batch.
    func anyHolder() -> SimulatedProcess? {
        let workers = store.read { tables in (tables.jobs.last?.batches.atWork.map(\.workerID) ?? []) }
        guard !workers.isEmpty, let worker = workers[below(workers.count)] else { return nil }
        return process(named: worker).flatMap { $0.isAlive && $0.node.isRunning ? $0 : nil }
    }

    /// The running process whose batch has the least time left, and how much.
    func nearestDeadline() -> (process: SimulatedProcess, left: Duration)? {
        let nearest = store.read { tables in
            tables.jobs.last?.batches.atWork
                .min { ($0.deadlineAt ?? .start, $0.number) < ($1.deadlineAt ?? .start, $1.number) }
        }
        guard let worker = nearest?.workerID, let deadline = nearest?.deadlineAt, let process = process(named: worker),
            process.isAlive, process.node.isRunning, deadline.sinceStart > simulation.now
        else { return nil }
        return (process, .nanoseconds(deadline.sinceStart - simulation.now))
    }

    /// Removes the limit of the collection.
    func giveRoom() { points.restrict(["max_points_count": .integer(.max)]) }

    func freeze(_ node: SimNode, for duration: Duration, _ clock: SimClock) async {
        simulation.freeze(node)
        if duration > .seconds(settings.leaseSeconds) { coverage.add(.freezePastTheLease) }
        try? await clock.sleep(for: duration)
        simulation.thaw(node)
    }

    /// Freezes a process just before it sends something, with this probability at full strength.
    ///
    /// The freeze lasts a little longer than the lease, so that another process has the batch by then and the call is
    /// stale.
    func freezeBeforeSending(_ process: SimulatedProcess, _ chance: Double) async {
        guard plan.has(.freezes), !isHealed, process.node.isRunning else { return }
        guard simulation.chance.chance(chance * plan.strength(.freezes)) else { return }
        let duration = drawn(.seconds(195)...Duration.seconds(255))
        simulation.freeze(process.node)
        coverage.add(.freezePastTheLease)
        simulation.after(duration, on: simulation.harness) { [simulation] in simulation.thaw(process.node) }
        // Its own clock goes on once it is thawed.
        try? await process.node.clock.sleep(for: .nanoseconds(1))
    }

    /// Another application changes the table meanwhile.
    func changeSomeRow() {
        let rows = source.snapshot
        guard !rows.isEmpty else { return }
        let row = rows[below(rows.count)]
        var random = simulation.chance.split()
        switch below(3) {
        case 0:
            source.delete(row.id)
            watch.rowHasChanged(row.id, to: nil)
        case 1:
            let changed = Workload.row(row.id, &random)
            source.put(changed)
            watch.rowHasChanged(row.id, to: changed)
        default:
            // In front of the planner's cursor as well as behind it.
            let (id, overflow) = row.id.addingReportingOverflow(1)
            guard !overflow, !rows.contains(where: { $0.id == id }) else { return }
            let new = Workload.row(id, &random)
            source.put(new)
            watch.rowHasChanged(id, to: new)
        }
    }

    /// An operator pauses for a while, or cancels.
    func operate(_ clock: SimClock) async {
        guard let job = store.read({ $0.jobs.last }), job.status.isOpen else { return }
        let cancels = below(20) == 0
        let claims = claimsUnderWay
        simulation.note(cancels ? "cancel" : "pause")
        await asked(ControlIngestionJob(job: job.id, action: cancels ? .cancel : .pause, reason: "simulated"))
        if claims > 0 { coverage.add(.controlRacedClaim) }
        if cancels { return }
        try? await clock.sleep(for: drawn(.seconds(1)...Duration.seconds(20)))
        simulation.note("resume")
        await asked(ControlIngestionJob(job: job.id, action: .resume, reason: nil))
    }

    /// The database begins to work on a claim; sometimes an operator's call comes in between.
    func claimBegins() {
        claimsUnderWay += 1
        guard plan.has(.control), !isHealed, simulation.chance.chance(0.01 * plan.strength(.control)) else { return }
        simulation.harness.spawn { [self] in await operate(simulation.harness.clock) }
    }

    /// An operator's call: noted for the checks, and without a network.
    @discardableResult
    func asked<Call: TrackingCall>(_ call: Call) async -> Call.Answer? {
        let number = calls.begin(call)
        let resumes = beginOfResume(call)
        let answer = await call.perform(on: store)
        calls.end(number, answer)
        if let resumes { checkResume(answer, resumes) }
        return answer.value(Call.Answer.self)
    }
}
