import Engine
import Fakes
import Invariants
import Migration
import Simulation

/// What happens in one run: processes start, faults strike, operators act; then all faults end and the job must
/// complete.
struct Story: Sendable {
    private let world: SimulatedWorld
    private let simulation: Simulation
    private let clock: SimClock

    init(_ world: SimulatedWorld) {
        self.world = world
        simulation = world.simulation
        clock = world.simulation.harness.clock
    }

    /// I23: batch timeout + 2 · backoff cap + the remaining work, which takes longer with fewer hosts and more batches.
    private var endingMax: Duration {
        let hosts = Double(world.plan.hosts) / 5
        let batches = Double(world.plan.batches) / 40
        return .seconds(600 + 2 * 1800 + 1800 * max(1, 1 / hosts) * max(1, batches))
    }

    func run() async throws {
        try await world.stage()
        try await world.warmCaches()
        try world.placeOthers()
        world.insertFirstRows()
        world.faults.begin()
        for host in 0..<world.plan.hosts {
            simulation.after(.milliseconds(simulation.chance.below(5000)), on: simulation.harness) { [self] in
                world.start(kind(of: host), on: host)
            }
        }
        for fault in Nemesis.all where world.plan.has(fault.trigger) {
            simulation.harness.spawn { [self] in
                while mayStrike(fault), simulation.failure == nil {
                    let mean = fault.every / max(0.05, world.plan.strength(fault.trigger))
                    try? await clock.sleep(for: simulation.chance.duration(mean / 10...mean * 2))
                    guard mayStrike(fault) else { return }
                    await fault.strike(world, clock)
                }
            }
        }
        try await supervise(until: world.plan.healing)
        world.heal()
        try await supervise(until: endingMax, requeues: true)
        EndChecks(world).run()
    }

    /// Whether a fault still has something to strike.
    private func mayStrike(_ fault: Nemesis) -> Bool {
        !world.isHealed && !simulation.isUnwinding && simulation.now < fault.until?.nanoseconds ?? .max
    }

    private func kind(of host: Int) -> SimulatedProcess.Kind {
        if host < 2 { world.needsNewJob ? .replacer : .run } else { .worker }
    }

    /// Restarts processes that have died, lets operators retry what has failed, and returns when the job is over or the
    /// time is up.
    private func supervise(until limit: Duration, requeues: Bool = false) async throws {
        let end = simulation.now + limit.nanoseconds
        var restarts: [Int: Int64] = [:]
        var retries = 0
        // Operators retry failed batches as single records, and in a third of the runs retry the rest once more.
        let rounds = simulation.chance.below(3) == 0 ? 2 : 1
        while simulation.now < end, simulation.failure == nil {
            try await clock.sleep(for: .seconds(5))
            let job = world.store.read { $0.jobs.last }
            checkEnds(job)
            world.checkStops(every: .seconds(5))
            if requeues {
                checkLeases(job)
                world.checkPace(job)
                // A resume that is refused because a row is locked is repeated at the next check.
                if let job, job.status == .paused {
                    await world.asked(ControlIngestionJob(job: job.id, action: .resume, reason: nil))
                }
                if let job, !job.status.isOpen {
                    guard retries < rounds, try await retry(job, isolates: retries == 0) else { return }
                    retries += 1
                }
            }
            for host in 0..<world.plan.hosts where world.process(on: host) == nil {
                let isOver = job.map { !$0.status.isOpen } ?? false
                if isOver, !requeues || retries == 0 { continue }
                // Some processes restart in quick succession, and some hosts stay down for a while.
                let due =
                    restarts[host] ?? simulation.now
                    + simulation.chance.duration(.seconds(1)...Duration.seconds(60)).nanoseconds
                restarts[host] = due
                guard simulation.now >= due, !isOver else { continue }
                restarts[host] = nil
                world.start(kind(of: host), on: host)
            }
        }
        if requeues, let job = world.store.read({ $0.jobs.last }), simulation.failure == nil {
            simulation.report(JobDuties.breach(ofEnding: job.id, job.status, after: limit))
        }
    }

    /// I24: no process leaves while the job is open, except after a signal or a refusal.
    private func checkEnds(_ job: JobRow?) {
        for process in world.processes where !process.isJudged {
            guard let reason = process.reason else { continue }
            process.isJudged = true
            if let refusal = process.refusal, checkRefusal(refusal, of: process) { continue }
            var departure = Departure(of: process.name, reason)
            departure.wasSignalled = process.wasSignalled
            departure.isStranger = process.kind == .stranger
            departure.mayBeFull = world.plan.has(.full)
            departure.mayBrake = world.plan.has(.refusals) || world.plan.has(.emptied)
            departure.mayLackMoney = world.plan.has(.money)
            simulation.report(departure.finding)
        }
    }

    /// I28: a process with the job's servers is admitted, and no other.
    ///
    /// - Returns: whether its end needs no further check.
    private func checkRefusal(_ refusal: Joining.Refusal, of process: SimulatedProcess) -> Bool {
        let verdict = Admission.judge(
            refusal,
            of: process.name,
            hasMoved: process.kind.hasMoved,
            isEmptied: world.plan.has(.emptied)
        )
        switch verdict {
        case .open: return false
        case .emptyTable: world.needsNewJob = true
        case .right: world.coverage.add(.otherServersRefused)
        case .wrong(let finding): simulation.report(finding)
        }
        return true
    }

    /// I25: the batches of a dead worker are taken back in time, once a process has been running for a while.
    private func checkLeases(_ job: JobRow?) {
        guard let job,
            (0..<world.plan.hosts).contains(where: {
                world.process(on: $0).map { $0.age > Duration.seconds(60) } ?? false
            })
        else { return }
        for batch in job.batches.atWork {
            guard let end = batch.leaseExpiresAt?.sinceStart else { continue }
            simulation.report(
                AttemptLease.breach(
                    of: batch.number,
                    heldAt: simulation.now,
                    leaseEnd: end,
                    lease: job.lease,
                    healedAt: world.healedAt
                )
            )
        }
    }

    /// An operator retries failed batches, first divided into single records, and then failed records.
    private func retry(_ job: JobRow, isolates: Bool) async throws -> Bool {
        guard job.status == .failed || job.status == .completed else { return false }
        // In half of the runs the row that has killed its workers is fixed meanwhile.
        if isolates, simulation.chance.chance(0.5) { world.disarm() }
        let request = SimEntropy(simulation.chance.split()).uuid()
        let call = RequeueFailedBatches(
            job: job.id,
            requestId: request,
            filter: .init(),
            isolate: isolates,
            limit: 1000
        )
        guard let answer = await world.asked(call), answer.batches > 0 else { return false }
        simulation.note("requeued \(answer.batches) batches, isolate \(isolates)")
        return true
    }
}
