import Fakes
import Invariants
import Migration
import Simulation

/// Other people who use the same store: they replace and cancel each other's jobs, and some have settings of another
/// environment.
extension SimulatedWorld {
    /// The servers that a process's settings name.
    func servers(of process: SimulatedProcess) -> JobServers {
        JobServers(
            source: [process.kind == .movedSource ? "replacement:3306/app" : "db:3306/app"],
            points: [process.kind == .movedPoints ? "https://staging:6333" : "https://points:6333"],
            embedder: ["https://api.example/v1"]
        )
    }

    /// A colleague starts a process.
    ///
    /// A process with other servers starts only when there is a job: without a job, its run would be a job of its own.
    func meetColleague() async {
        guard let job = store.read({ $0.jobs.last }) else { return }
        switch below(6) {
        case 0, 1:
            simulation.note("a colleague plans anew")
            start(.replacer, on: plan.hosts)
        case 2:
            guard job.status.isOpen else { return }
            simulation.note("a colleague cancels job \(job.id)")
            await asked(ControlIngestionJob(job: job.id, action: .cancel, reason: "simulated"))
        case 3: start(.movedSource, on: plan.hosts)
        default: start(.movedPoints, on: plan.hosts)
        }
    }

    /// A job is opened (I27).
    func jobIsOpened(_ job: JobID, by process: SimulatedProcess) {
        simulation.report(
            JobDuties.breach(
                ofOpening: job,
                by: process.name,
                mayOpen: process.mayOpenJob,
                isWaiting: process.isOpening
            )
        )
        process.mayOpenJob = false
        needsNewJob = false
        if let limit = process.settings.limit { limits[job] = limit }
        if process.kind == .replacer, job > 1 { coverage.add(.jobReplaced) }
    }
}

extension SimulatedWorld {
    /// I28: a process with other servers than the job's is not admitted.
    func isAdmitted(_ process: SimulatedProcess) {
        simulation.report(Admission.breach(byAdmitting: process.name, hasMoved: process.kind.hasMoved))
    }
}

/// What a process reaches with its settings.
extension Link {
    /// Before it has joined, a process that does not check uses the job's servers instead of its own.
    private var isBlind: Bool { world.portBug == .joinsWithoutLooking && !process.hasJoined }

    var source: FakeMySQL { process.kind == .movedSource && !isBlind ? world.otherSource : world.source }
    var points: FakeQdrant { process.kind == .movedPoints && !isBlind ? world.otherPoints : world.points }

    /// The list of jobs, with the process's own servers in place of the job's if it does not check.
    func seen(_ answer: ListIngestionJobs.Answer) -> ListIngestionJobs.Answer {
        guard world.portBug == .joinsWithoutLooking else { return answer }
        var seen = answer
        for index in seen.rows.indices { seen.rows[index].servers = world.servers(of: process) }
        return seen
    }

    /// Joins a job, or opens one if that is the planted mistake.
    func join(
        _ call: JoinIngestionJob,
        opening open: (OpenIngestionJob) async throws(PortFailure) -> OpenIngestionJob.Answer,
        _ send: (JoinIngestionJob) async throws(PortFailure) -> JoinIngestionJob.Answer
    ) async throws(PortFailure) -> JoinIngestionJob.Answer {
        guard world.portBug == .opensInsteadOfJoining else { return try await send(call) }
        let answer = try await open(
            OpenIngestionJob(
                targetKey: SimulatedWorld.target,
                configHash: call.configHash,
                config: world.configuration(of: process).stored(limit: nil),
                settings: world.settings,
                controllerId: call.controllerId,
                token: call.token,
                start: true
            )
        )
        guard answer.job.id == call.job else {
            return JoinIngestionJob.Answer(result: .ended, role: .follower, epoch: 0, job: answer.job)
        }
        return JoinIngestionJob.Answer(result: .resumed, role: answer.role, epoch: answer.epoch, job: answer.job)
    }
}
