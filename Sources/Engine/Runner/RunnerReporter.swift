import Migration

/// Reports to the store what this process does: after each change, and once per heartbeat interval.
///
/// A small call of its own that changes nothing important: a claim or a heartbeat must not fail because of such a
/// report, and older programs keep their form of these calls. No report is repeated, because the next one replaces it.
struct RunnerReporter: Sendable {
    let ports: EnginePorts
    let state: RunnerState
    let job: JobID
    let settings: Runner.Settings
    /// Batches under the leases of this process.
    let held: @Sendable () -> Int
    private let started: Duration

    /// How often it checks for changes; a report is sent at most this often.
    private static let look = Duration.seconds(15)

    init(
        ports: EnginePorts,
        state: RunnerState,
        job: JobID,
        settings: Runner.Settings,
        held: @escaping @Sendable () -> Int
    ) {
        self.ports = ports
        self.state = state
        self.job = job
        self.settings = settings
        self.held = held
        started = ports.time.now
    }

    /// Reports until the task is cancelled.
    func run() async {
        var told: (activity: RunnerActivity, at: Duration)?
        while !Task.isCancelled {
            let now = ports.time.now
            let activity = RunnerActivity(state.facts(held: held()), at: now)
            // The check that is nearest to the interval's end reports, even if it is a little early.
            let isKnown = told.map {
                now - $0.at < settings.heartbeatInterval - Self.look / 2 && $0.activity.isSame(as: activity)
            }
            if isKnown != true, await tell(activity.word, activity, at: now) { told = (activity, now) }
            try? await ports.time.sleep(for: ports.entropy.jittered(Self.look, by: 0.1))
        }
    }

    /// Sends the last report; if the store is away, it is not awaited.
    func leave(_ reason: StopReason) async {
        guard state.isStoreWell else { return }
        _ = await tell(RunnerActivity.leftWord, nil, reason: reason.words, at: ports.time.now)
    }

    private func tell(
        _ word: String,
        _ activity: RunnerActivity?,
        reason: String? = nil,
        at now: Duration
    ) async -> Bool {
        let done = state.done
        let report = RunnerReport(
            host: settings.host,
            workers: settings.workers,
            held: held(),
            batches: done.batches,
            records: done.records,
            state: word,
            service: activity?.service?.rawValue,
            reason: (activity?.reason ?? reason).map { String($0.prefix(500)) },
            sinceMs: activity?.since.map { max(0, (now - $0).milliseconds) } ?? 0,
            untilMs: activity?.until.map { max(0, ($0 - now).milliseconds) },
            startedMs: max(0, (now - started).milliseconds)
        )
        do throws(PortFailure) {
            _ = try await ports.store.reportRunner(ReportRunner(job: job, runner: settings.name, report: report))
            return true
        } catch {
            // Callers that need the store report its outage and wait.
            return false
        }
    }
}

extension Runner.Settings {
    /// The part of the name before the process id.
    var host: String { name.lastIndex(of: ":").map { String(name[..<$0]) } ?? name }
}

extension StopReason {
    /// The words for people who ask why a runner has left.
    var words: String {
        switch self {
        case .jobEnded(let status): "the job is \(status.rawValue)"
        case .signalled: "it was told to stop"
        case .fatal(let service, let failure): "\(service.rawValue): \(failure.detail)"
        case .configMismatch: "the job has another configuration"
        case .braked: "it has paused the job"
        }
    }
}
