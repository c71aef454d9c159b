import ArgumentParser
import Migration

struct Status: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Shows how far a job is.",
        discussion: """
            Exit code 1 when the job is over and some of its records or batches failed, or when it was cancelled.

            EXAMPLES
              migrate status
              migrate status --watch              until the job is over
              migrate status --job 7 --json
            """
    )

    @OptionGroup var which: JobOption

    @Flag(name: .long, help: "Show it again every few seconds until the job is over.")
    var watch = false

    @OptionGroup var settings: TrackingSettings

    func run() async throws {
        let console = Console.standard
        let wiring = try settings.wiring()
        let store = try wiring.store()
        let job = try await which.find(by: wiring, in: store, console: console, isJSON: settings.common.json)
        var meter = RateMeter()
        let clock = ContinuousClock()
        let start = clock.now
        var line = UpdatingLine(console)
        while true {
            let stats = try await patiently { () async throws(PortFailure) in
                try await store.stats(GetIngestionJobStats(job: job.id))
            }
            guard let summary = stats.job else { throw CommandEnd(.incomplete, "there is no job \(job.id)") }
            let isOver = !summary.status.isOpen
            meter.note(stats.recordsDone, at: start.duration(to: clock.now))
            if settings.common.json {
                console.out(try JSONText.of(stats))
            } else if !watch || isOver {
                line.clear()
                console.out(JobReport(stats).text)
            } else {
                let progress = Progress(stats: stats, recordsPerSecond: meter.perSecond, tokensPerMinute: nil)
                if console.isTerminal {
                    line.show(progress.line(columns: console.columns))
                } else {
                    console.out(progress.plain)
                }
            }
            if isOver, JobReport(stats).exitStatus != .complete { throw CommandEnd(.incomplete) }
            if isOver || !watch { return }
            try await clock.sleep(for: .seconds(console.isTerminal ? 1 : 5))
        }
    }
}

struct Jobs: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Lists all jobs, newest first.",
        discussion: """
            With --json one job per line.

            EXAMPLES
              migrate jobs
              migrate jobs --open --json
            """
    )

    @Flag(name: .long, help: "Only jobs that are not over.")
    var open = false

    @Option(name: .long, help: "At most this many.")
    var limit = 20

    @OptionGroup var settings: TrackingSettings

    func validate() throws {
        guard (1...1_000).contains(limit) else { throw ValidationError("--limit must be from 1 to 1000") }
    }

    func run() async throws {
        let console = Console.standard
        let store = try settings.wiring().store()
        let filter = ListIngestionJobs.Filter(targetKey: nil, open: open ? true : nil)
        let answer = try await patiently { () async throws(PortFailure) in
            try await store.jobs(ListIngestionJobs(job: nil, filter: filter, after: nil, limit: limit))
        }
        if settings.common.json {
            for job in answer.rows { console.out(try JSONText.of(job)) }
        } else if answer.rows.isEmpty {
            console.out(open ? "No job is open." : "There is no job yet; `migrate run` makes one.")
        } else {
            console.out(JobTable.text(answer.rows))
        }
    }
}
