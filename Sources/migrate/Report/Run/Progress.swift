import Migration
import Terminal

/// The growth of a count over the last minute.
struct RateMeter: Sendable {
    /// Long enough to smooth batches that end together, short enough to follow a change.
    private static let window = Duration.seconds(60)
    private var samples: [(time: Duration, count: Int64)] = []

    /// Adds a count; times must ascend.
    mutating func note(_ count: Int64, at time: Duration) {
        samples.append((time, count))
        // One sample older than the window is kept, so that the whole window is covered.
        while samples.count > 2, samples[1].time <= time - Self.window { samples.removeFirst() }
    }

    /// Nil until there are samples at least a second apart.
    var perSecond: Double? {
        guard let first = samples.first, let last = samples.last, last.time - first.time >= .seconds(1) else {
            return nil
        }
        return Double(last.count - first.count) / ((last.time - first.time) / .seconds(1))
    }
}

extension JobStats {
    /// Records of ended batches.
    var recordsDone: Int64 { processed + skipped + failedRecords + missing }
}

/// The state of a job at a moment, in three forms of one line.
struct Progress: Encodable, Sendable {
    let job: JobID
    let status: JobStatus
    let isPlanned: Bool
    let batches: Int
    let completed: Int
    let processing: Int
    let pending: Int
    let failedBatches: Int
    let records: Int64
    let processed: Int64
    let skipped: Int64
    let failed: Int64
    let missing: Int64
    let recordsPerSecond: Double?
    let tokensPerMinute: Double?
    let secondsLeft: Double?

    init(stats: JobStats, recordsPerSecond: Double?, tokensPerMinute: Double?) {
        job = stats.job?.id ?? 0
        status = stats.job?.status ?? .pending
        isPlanned = stats.job?.sealed ?? false
        batches = stats.job?.totalBatches ?? 0
        completed = stats.completed
        processing = stats.processing
        pending = stats.pending
        failedBatches = stats.failed
        records = stats.job?.totalRecords ?? 0
        processed = stats.processed
        skipped = stats.skipped
        failed = stats.failedRecords
        missing = stats.missing
        // No rate is shown instead of zero.
        self.recordsPerSecond = recordsPerSecond.flatMap { $0 > 0 ? $0 : nil }
        self.tokensPerMinute = tokensPerMinute.flatMap { $0 > 0 ? $0 : nil }
        let left = Double(records - stats.recordsDone)
        // While the plan still grows, the remaining work is unknown.
        secondsLeft = isPlanned ? recordsPerSecond.flatMap { $0 > 0 ? left / $0 : nil } : nil
    }

    /// For a terminal: fits into this many columns.
    func line(columns: Int) -> String {
        let done = processed + skipped + failed + missing
        let share = records > 0 ? Double(done) / Double(records) : 0
        let width = 20
        let filled = Int(share * Double(width))
        let bar = String(repeating: "█", count: filled) + String(repeating: "░", count: width - filled)
        var parts = ["\(Int(share * 100)) %", "\(completed + failedBatches)/\(Format.count(Int64(batches))) batches"]
        if status == .paused { parts.append("paused") }
        if !isPlanned { parts.append("planning") }
        if let recordsPerSecond { parts.append("\(Format.short(recordsPerSecond)) records/s") }
        if let tokensPerMinute { parts.append("\(Format.short(tokensPerMinute)) tokens/min") }
        if failed > 0 || failedBatches > 0 { parts.append("\(Format.count(failed)) failed") }
        if let secondsLeft { parts.append("ETA \(Format.duration(.seconds(secondsLeft)))") }
        let text = bar + " " + parts.joined(separator: " · ")
        return text.count < columns ? text : String(text.prefix(max(columns - 2, 1))) + "…"
    }

    /// For a log: all values on one line.
    var plain: String {
        var text =
            "job \(job) \(status.rawValue)\(isPlanned ? "" : ", planning"): batches \(completed)/\(batches) completed, "
        text +=
            "\(processing) processing, \(pending) pending, \(failedBatches) failed; records \(processed) processed, "
        text += "\(skipped) skipped, \(failed) failed, \(missing) missing of \(records)"
        if let recordsPerSecond { text += "; \(Format.short(recordsPerSecond)) records/s" }
        if let tokensPerMinute { text += ", \(Format.short(tokensPerMinute)) tokens/min" }
        if let secondsLeft { text += ", ETA \(Format.duration(.seconds(secondsLeft)))" }
        return text
    }
}

/// A line of a terminal that is overwritten again and again.
struct UpdatingLine {
    private let console: Console
    private var isShown = false

    init(_ console: Console) { self.console = console }

    /// Overwrites the line.
    mutating func show(_ text: String) {
        console.raw("\r\u{1B}[2K" + text)
        isShown = true
    }

    /// Removes the line, so that other text can follow.
    mutating func clear() {
        if isShown { console.raw("\r\u{1B}[2K") }
        isShown = false
    }
}
