import Migration
import Synchronization
import Terminal

/// Collects a runner's events into the progress that is shown.
struct RunState: Sendable {
    private(set) var stats: JobStats?
    /// Tokens embedded by this process.
    private(set) var tokens: Int64 = 0
    private(set) var requests: Int64 = 0
    private var recordMeter = RateMeter()
    private var tokenMeter = RateMeter()
    private var missingHint = MissingHint()

    /// Adds an event, and returns a sentence if it must be shown at once.
    ///
    /// - Parameters:
    ///   - event: what happened.
    ///   - time: its time, on any clock that only goes forward.
    /// - Returns: a sentence, or nil.
    mutating func apply(_ event: MigrationEvent, at time: Duration) -> String? {
        switch event {
        case .progress(let stats):
            self.stats = stats
            recordMeter.note(stats.recordsDone, at: time)
            tokenMeter.note(tokens, at: time)
        case .embedded(let chunks, let count, _, _):
            tokens += Int64(count)
            if chunks > 0 { requests += 1 }
        case .cacheGivenUp(let reason):
            return "The embedding cache is not used any more: \(reason). The job goes on, and every text is paid for."
        case .cacheDamaged:
            return
                "The embedding cache has damaged entries, which are embedded again: `migrate cache verify` counts them."
        case .sealed(let batches, let records):
            return
                "Planned \(Format.plural(records, "record")) in \(Format.plural(Int64(batches), "batch", "batches"))."
        case .uncounted(let failure):
            return "The rows of the source were not counted (\(failure.detail)); the plan is complete without it."
        case .paused:
            let job = stats?.job.flatMap { $0.status == .paused ? $0.reason : nil }
            return "The job is paused\(job.map { " (\($0))" } ?? ""); waiting until `migrate resume`."
        case .waitingForLeases(let batches, let atMost):
            let what = Format.plural(Int64(batches), "batch is", "batches are")
            let seconds = Int(atMost / .seconds(1))
            return "\(what) held by other runners: waiting \(seconds) s for them, or for the leases of dead ones."
        case .retrying(let service, let failure, let after):
            return "\(service.words) does not answer (\(failure.detail)); again in \(Format.duration(after))."
        case .throttled(let wait) where wait >= .seconds(5):
            return "The embedder asks to wait \(Format.duration(wait))."
        case .waitCut(let service, let asked, let wait):
            let (asked, wait) = (Format.duration(asked), Format.duration(wait))
            return "\(service.words) asked to wait \(asked); it is asked again after \(wait)."
        case .limitsLearned(let limits) where limits.isVeryLow:
            let stated = [
                limits.tokensPerMinute.map { Format.plural(Int64($0), "token") },
                limits.requestsPerMinute.map { Format.plural(Int64($0), "request") },
            ]
            let limit = stated.compactMap(\.self).joined(separator: " and ")
            return "The embedder states a very low limit: \(limit) per minute. "
                + "If that is wrong, correct it at the server, then `migrate quota reset` and start again."
        case .reaped(let reset, let failed) where reset + failed > 0:
            return "Took \(Format.plural(Int64(reset + failed), "batch", "batches")) from runners that are gone."
        case .isolated(let batch, let records):
            return "Batch \(batch) keeps killing its workers: its \(records) records are tried one by one."
        case .manyMissing(_, let missing, let records):
            return missingHint.apply(missing: missing, of: records, at: time)
        case .workerEnded(let worker, let how, let again):
            return "Worker process \(worker) \(how); started again in \(Format.duration(again))."
        case .throttled, .limitsLearned, .reaped, .jobOpened, .controlling, .planned, .claimed, .finished, .leaseLost,
            .recordFailed,
            .pointsRemoved, .stopping:
            break
        }
        return nil
    }

    /// The line to show; nil before the first counters.
    var progress: Progress? {
        stats.map { stats in
            let tokensPerMinute = tokenMeter.perSecond.map { $0 * 60 }
            return Progress(stats: stats, recordsPerSecond: recordMeter.perSecond, tokensPerMinute: tokensPerMinute)
        }
    }
}

/// Shows a runner's progress: on a terminal as one line that updates, otherwise as plain lines or JSON lines.
final class RunMonitor: Sendable {
    private struct State {
        var run = RunState()
        var line: UpdatingLine
        /// The last plain line, so that an idle job does not repeat the same line for ever.
        var lastSentence: String?
    }

    private let state: Mutex<State>
    private let console: Console
    private let isJSON: Bool
    private let isQuiet: Bool
    private let time: Time
    private let log: EventLog?

    init(console: Console, isJSON: Bool, isQuiet: Bool = false, time: Time, log: EventLog?) {
        // Workers report events while they hold leases: they must not wait for a terminal.
        let console = console.live
        self.console = console
        self.isJSON = isJSON
        self.isQuiet = isQuiet
        self.time = time
        self.log = log
        state = Mutex(State(line: UpdatingLine(console)))
    }

    /// The time between two reads of the counters.
    var interval: Duration { console.isTerminal && !isJSON ? .seconds(1) : .seconds(5) }

    /// For `EnginePorts.report`.
    func report(_ event: MigrationEvent) {
        log?.write(event)
        let now = time.now
        state.withLock { state in
            let sentence = state.run.apply(event, at: now)
            if isQuiet { return }
            if let sentence, sentence != state.lastSentence {
                state.lastSentence = sentence
                tell(sentence, &state.line)
            }
            if case .progress = event, let progress = state.run.progress, progress.batches > 0 {
                show(progress, &state.line)
            }
        }
    }

    /// Tokens embedded by this process so far.
    var tokens: Int64 { state.withLock { $0.run.tokens } }

    /// Removes the updating line.
    func finish() { state.withLock { $0.line.clear() } }

    /// With JSON, sentences go to standard error, so that standard output stays JSON.
    private func tell(_ sentence: String, _ line: inout UpdatingLine) {
        if isJSON { return console.error(sentence) }
        line.clear()
        console.out(sentence)
    }

    private func show(_ progress: Progress, _ line: inout UpdatingLine) {
        if isJSON {
            if let text = try? JSONText.of(ProgressDocument(progress: progress)) { console.out(text) }
        } else if console.isTerminal {
            line.show(progress.line(columns: console.columns))
        } else {
            console.out(progress.plain)
        }
    }
}

/// A progress line for programs.
struct ProgressDocument: Encodable {
    let type = "progress"
    let progress: Progress
}
