import Migration
import Terminal

/// `migrate status` with any store.
struct StatusSession: Sendable {
    let store: any JobStore
    let lookup: JobLookup
    let console: Console
    let isJSON: Bool
    /// Where progress is kept; nil = that was said already.
    var storeSentence: String?

    /// Prints the progress of a job, once or until it is over.
    ///
    /// - Throws: `CommandEnd` when there is no such job, and when it is over but not complete.
    func show(_ number: JobID?, watches: Bool) async throws {
        let job = try await lookup.find(number, in: store).announced(on: console, isJSON: isJSON).job
        if let storeSentence { if isJSON { console.error(storeSentence) } else { console.out(storeSentence) } }
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
            if isJSON {
                console.out(try JSONText.of(stats))
            } else if !watches || isOver {
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
            if isOver || !watches { return }
            try await clock.sleep(for: .seconds(console.isTerminal ? 1 : 5))
        }
    }
}
