import ArgumentParser
import Migration

struct Pause: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Stops handing out batches until `migrate resume`.",
        discussion: """
            Batches in flight are finished; runners stay and wait.

            EXAMPLES
              migrate pause --reason "quota for the night shift"
            """
    )

    @OptionGroup var options: ControlOptions

    func run() async throws { try await options.apply(.pause) }
}

struct Resume: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Hands out the batches of a paused job again.",
        discussion: """
            Runners that wait go on by themselves; without any, start one with `migrate run`.

            EXAMPLES
              migrate resume
            """
    )

    @OptionGroup var options: ControlOptions

    func run() async throws { try await options.apply(.resume) }
}

struct Cancel: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Ends a job for good; what it has written stays.",
        discussion: """
            Asks first, and says how far the job is and how many workers are alive. A later `migrate run` plans a new job and \
            pays for nothing that is already there.

            EXAMPLES
              migrate cancel --job 7 --reason "wrong table" --yes
            """
    )

    @Flag(name: .shortAndLong, help: "Answer yes to every question.")
    var yes = false

    @OptionGroup var options: ControlOptions

    func run() async throws { try await options.apply(.cancel, asks: !yes) }
}

struct ControlOptions: ParsableArguments {
    @OptionGroup var settings: TrackingSettings
    @OptionGroup var which: JobOption

    @Option(name: .long, help: "Why; kept with the job.")
    var reason: String?

    func apply(_ action: ControlIngestionJob.Action, asks: Bool = false) async throws {
        let wiring = try settings.wiring()
        let control = JobControl(
            store: try wiring.store(),
            journal: wiring.journal,
            lookup: wiring.lookup,
            console: .standard,
            isJSON: settings.common.json
        )
        try await control.apply(action, to: which.job, reason: reason, asks: asks)
    }
}

/// Pauses, resumes and cancels over any store.
struct JobControl: Sendable {
    let store: any JobStore
    let journal: any LeaseJournal
    let lookup: JobLookup
    let console: Console
    let isJSON: Bool

    /// What `--json` answers.
    struct Report: Encodable {
        let job: JobID
        let target: String
        let result: ControlIngestionJob.Result
        let status: JobStatus?
    }

    /// Says which job it is, asks where it is wanted, and acts.
    ///
    /// - Throws: `CommandEnd` when there is no such job, a person says no, or the job cannot do it any more.
    func apply(
        _ action: ControlIngestionJob.Action,
        to number: JobID?,
        reason: String?,
        asks: Bool
    ) async throws {
        let job = try await lookup.find(number, in: store).announced(on: console, isJSON: isJSON).job
        if asks, job.status.isOpen { try await confirm(job) }
        let call = ControlIngestionJob(job: job.id, action: action, reason: reason)
        let answer = try await patiently { () async throws(PortFailure) in try await store.control(call) }
        let status = answer.status?.rawValue ?? "gone"
        let report = Report(job: job.id, target: job.targetKey, result: answer.result, status: answer.status)
        switch answer.result {
        case .applied: console.out(isJSON ? try JSONText.of(report) : "Job \(job.id) is \(status).")
        case .unchanged: console.out(isJSON ? try JSONText.of(report) : "Job \(job.id) was \(status) already.")
        case .refused:
            throw CommandEnd(.incomplete, "job \(job.id) is \(status): it cannot \(action.rawValue) any more")
        case .notFound: throw CommandEnd(.incomplete, "there is no job \(job.id)")
        }
    }

    private func confirm(_ job: JobSummary) async throws {
        let activity = try await patiently { () async throws(PortFailure) in
            try await JobActivity.now(of: job, in: store, journal: journal)
        }
        let state = "\(job.status.rawValue), \(activity.briefly)"
        try await (isJSON ? console.aside : console).confirm(
            "Cancel job \(job.id) of \(job.targetKey) (\(state)) for good?",
            isSure: false,
            default: false
        )
    }
}
