package import Migration

/// What the checks of ends and of pace remember about one process.
package struct Deeds: Sendable {
    /// The job that it works on.
    package var job: JobID?
    /// Batches that, as the store has told the process, are given up.
    private var givenUp: Set<Int> = []
    /// When the last successful write or deletion of a record's points was sent.
    private var written: [RecordID: Int64] = [:]
    /// When its last write failed or was doubtful; nil when it went well.
    package var writeFailedAt: Int64?
    /// When the last heartbeat that extended a lease was sent, by claim id.
    package var heartbeats: [String: Int64] = [:]
    /// Until when it does nothing, as it was told or has said.
    private var restsUntil: Int64 = 0
    /// Since when it has been idle although there is work for it.
    private var idleSince: Int64?
    /// How often it was seen running after it had to stop.
    private var looksAfterStop = 0

    package init() {}

    /// The process does nothing for a while, which is allowed.
    package mutating func rests(for time: Duration, at now: Int64) {
        restsUntil = max(restsUntil, now + time.nanoseconds)
    }

    /// The process knows that a request it sent at that time has written or deleted points of these records.
    package mutating func wrote(_ ids: [RecordID], at sent: Int64) {
        writeFailedAt = nil
        var last: RecordID?
        // Points of one record are neighbours.
        for id in ids where id != last {
            last = id
            written[id] = max(sent, written[id] ?? sent)
        }
    }

    /// Whether it has written or deleted points of one of these records since then.
    func hasWritten(oneOf ids: [RecordID], since moment: Int64) -> Bool {
        ids.contains { (written[$0] ?? .min) >= moment }
    }

    /// The store has answered the end of an attempt.
    package mutating func endWasAnswered(_ call: FinishBatch, _ answer: FinishBatch.Answer) {
        if answer.status == .failed { givenUp.insert(call.batchNumber) }
    }
}

// MARK: - Ends

extension Deeds {
    /// I7: a batch is deferred for as long as its reason needs, and no longer.
    package mutating func defers(_ call: FinishBatch, by process: String, at now: Int64) -> Finding? {
        let wait = Duration.milliseconds(call.retryAfterMs ?? 0)
        let reason = call.error?.code ?? "no reason"
        let most: Duration =
            switch reason {
            case "deadline": .seconds(1)
            // As long as the account's quota or the embedder says.
            case "quota", "throttled": .seconds(600)
            case "suspects": .seconds(120)
            default: .seconds(30)
            }
        rests(for: min(wait, most), at: now)
        return wait > most ? Finding(7, "\(process) defers batch \(call.batchNumber) for \(wait): \(reason)") : nil
    }

    /// I6: a process divides only batches that it knows are given up, and no batch of a single record.
    ///
    /// `sizes` are the numbers of records of the named batches, 0 for a batch that does not exist.
    package func breach(byDividing call: RequeueFailedBatches, of sizes: [Int], _ process: String) -> Finding? {
        guard let numbers = call.filter.batchNumbers else {
            return Finding(6, "\(process) divides batches without a list of their numbers")
        }
        for (number, size) in zip(numbers, sizes) {
            if !givenUp.contains(number) {
                return Finding(
                    6,
                    "\(process) divides batch \(number), but was not told that it is given up"
                )
            }
            if size == 1 { return Finding(6, "\(process) divides batch \(number) of a single record") }
        }
        return nil
    }
}

// MARK: - Pace

extension Deeds {
    /// The longest rest of a process that cannot write, plus the probe after it.
    private static let restMax: Int64 = 150_000_000_000
    /// The grace period, and the longest time of the last calls: each of them ends after a minute at most.
    private static let stopMax = Duration.seconds(100)

    /// Whether it has no reason to wait: it was not told to, it has given no batch back for later, and its last write
    /// went well, or failed so long ago that it must have tried again.
    package func isFree(at now: Int64, _ terms: SendingTerms, healedAt: Int64) -> Bool {
        let mayWrite = writeFailedAt.map { now > max($0, healedAt) + Self.restMax } ?? true
        return mayWrite && restsUntil <= now && terms.waitsUntil <= now
    }

    /// I23: a process that could work on a batch holds one.
    ///
    /// It may be idle for a little longer than a worker waits between two claims, and for twice as long if calls
    /// overlap and a claim may have skipped locked rows.
    package mutating func wasSeen(
        canWork: Bool,
        at now: Int64,
        callsOverlap: Bool,
        _ process: String
    ) -> Finding? {
        guard canWork else {
            idleSince = nil
            return nil
        }
        let since = idleSince ?? now
        idleSince = since
        guard now - since > (callsOverlap ? 90_000_000_000 : 40_000_000_000) else { return nil }
        return Finding(
            23,
            "\(process) has done nothing for \(Duration.nanoseconds(now - since)), with batches to claim"
        )
    }

    /// I24: a process that has to stop leaves when its grace and its last calls are over.
    ///
    /// It is checked every `interval`; the time of a frozen process does not count.
    package mutating func wasSeenAfterStop(every interval: Duration, _ process: String) -> Finding? {
        looksAfterStop += 1
        let time = interval * looksAfterStop
        return time > Self.stopMax
            ? Finding(24, "\(process) had to stop, and is still there after \(time)") : nil
    }
}
