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
            A later `migrate run` plans a new job and pays for nothing that is already there.

            EXAMPLES
              migrate cancel --job 7 --reason "wrong table" --yes
            """
    )

    @Flag(name: .shortAndLong, help: "Do not ask.")
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
        let console = Console.standard
        let store = try settings.wiring().store()
        let job = try await which.find(in: store)
        if job.status.isOpen {
            let question = "Cancel job \(job.id) (\(job.status.rawValue)) for good?"
            try console.confirm(question, isSure: !asks, default: false)
        }
        let call = ControlIngestionJob(job: job.id, action: action, reason: reason)
        let answer = try await patiently { () async throws(PortFailure) in try await store.control(call) }
        let status = answer.status?.rawValue ?? "gone"
        switch answer.result {
        case .applied: console.out(settings.common.json ? try JSONText.of(answer) : "Job \(job.id) is \(status).")
        case .unchanged:
            console.out(settings.common.json ? try JSONText.of(answer) : "Job \(job.id) was \(status) already.")
        case .refused:
            throw CommandEnd(.incomplete, "job \(job.id) is \(status): it cannot \(action.rawValue) any more")
        case .notFound: throw CommandEnd(.incomplete, "there is no job \(job.id)")
        }
    }
}
