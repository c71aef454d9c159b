import DequeModule

/// What a runner suspects: texts, points and rows that the embedder, the point store and the source may never process.
///
/// A suspect is given up only for failures of its own, each followed by a call with good input that went well, so an
/// outage gives up no record. The suspicion outlives the attempt: when a deferred batch comes back, it continues where
/// it was.
package struct Suspicions: Sendable {
    /// When a suspect is given up, and how it is treated until then.
    package struct Policy: Sendable, Equatable {
        /// The number of failures that is needed; a few in a row can happen to any input.
        package var failuresMin = 5
        /// The minimum time between the first and the last of them: longer than the restart of a server.
        package var spanMin = Duration.seconds(120)
        /// The time between two tries: five failures with four rests take two minutes.
        package var rest = Duration.seconds(30)
        /// The time limit for the try of a suspect, unless the service is known to be slow: a healthy server answers a
        /// single text or point within a second or two, and a hundred hanging ones must not take an hour per round.
        package var patience = Duration.seconds(15)
        /// The number of records that are remembered, about 1 MB; the oldest are forgotten first.
        package var recordsMax = 5_000
        /// The number of vectors that are kept for points that could not be written, about 6 MB; more are paid for
        /// again.
        package var vectorsMax = 1_000
        /// How long an unreported verdict is remembered: later an operator may have fixed the cause.
        package var verdictMax = Duration.seconds(3_600)

        package init() {}
    }

    /// The part of a record that is suspected.
    package enum Subject: Sendable, Hashable {
        /// The row cannot be read.
        case row
        /// The text of a child, given by its place, gets no vector.
        case text(Int)
        /// The point cannot be written.
        case point(Piece.Part)
        /// The older points cannot be deleted.
        case retirement
    }

    private struct Suspect {
        let subject: Subject
        let checksum: String
        var failures = 0
        /// The size of the smallest group with which it has failed.
        var group = Int.max
        var first = Duration.zero
        var last = Duration.zero
        var reason: PortFailure?
        var vector: [Float]?
    }

    private var suspects: [RecordID: [Suspect]] = [:]
    /// The records in the order in which they were first suspected.
    private var order: Deque<RecordID> = []
    private var vectors = 0

    package init() {}

    /// Whether nothing is suspected: then nothing has to be looked up.
    package var isEmpty: Bool { suspects.isEmpty }

    /// Suspects something that failed in a group of this size.
    ///
    /// The next try is with at most half as many, also in another attempt at the batch: if each try takes a minute,
    /// halving may take longer than an attempt.
    package mutating func suspect(
        _ subject: Subject,
        of record: RecordID,
        checksum: String,
        group: Int,
        _ policy: Policy
    ) {
        change(subject, record, checksum, policy) { $0.group = min($0.group, group) }
    }

    /// Counts a failure of a suspect alone, after which good input went well.
    ///
    /// - Returns: the number of its failures if it is given up now, else nil.
    package mutating func failed(
        _ subject: Subject,
        of record: RecordID,
        checksum: String,
        _ reason: PortFailure,
        at now: Duration,
        _ policy: Policy
    ) -> Int? {
        var verdict: Int?
        change(subject, record, checksum, policy) { suspect in
            if suspect.failures == 0 { suspect.first = now }
            suspect.failures += 1
            suspect.last = now
            suspect.reason = reason
            verdict = Self.isCondemned(suspect, policy) ? suspect.failures : nil
        }
        return verdict
    }

    /// Keeps the vector of a point that could not be written, so that its text is not paid for again.
    package mutating func keep(
        _ vector: [Float],
        for part: Piece.Part,
        of record: RecordID,
        checksum: String,
        _ policy: Policy
    ) {
        guard vectors < policy.vectorsMax else { return }
        let isNew = self.vector(for: part, of: record, checksum: checksum) == nil
        change(.point(part), record, checksum, policy) { $0.vector = vector }
        if isNew { vectors += 1 }
    }

    /// The vector that was kept for a point.
    package func vector(for part: Piece.Part, of record: RecordID, checksum: String) -> [Float]? {
        find(.point(part), record, checksum)?.vector
    }

    /// How to treat something in a round; nil when it is not suspected.
    ///
    /// Nothing is tried before `triesSuspects`: then everything else is done.
    package func standing(
        _ subject: Subject,
        of record: RecordID,
        checksum: String,
        triesSuspects: Bool,
        at now: Duration,
        _ policy: Policy
    ) -> LookUp.Standing? {
        guard let suspect = find(subject, record, checksum) else { return nil }
        if !triesSuspects { return .leave }
        if suspect.failures == 0 { return .together(atMost: max(1, suspect.group / 2)) }
        return now >= suspect.last + policy.rest ? .alone : .leave
    }

    /// Why a record was given up in an attempt that did not end; nil when it was not.
    package func verdict(on record: RecordID, checksum: String, at now: Duration, _ policy: Policy)
        -> (subject: Subject, failures: Int, reason: PortFailure)?
    {
        for suspect in suspects[record] ?? [] where suspect.checksum == checksum && Self.isCondemned(suspect, policy) {
            guard now < suspect.last + policy.verdictMax, let reason = suspect.reason else { continue }
            return (suspect.subject, suspect.failures, reason)
        }
        return nil
    }

    /// How long it takes until a suspect of one of these records may be tried.
    package func wait(for records: [RecordID], at now: Duration, _ policy: Policy) -> Duration {
        let due = records.compactMap { record in
            let all = suspects[record] ?? []
            // While a row cannot be read, nothing else of it can be tried.
            let rows = all.filter { $0.subject == .row }
            return (rows.isEmpty ? all : rows).map { suspect in
                suspect.failures == 0 || Self.isCondemned(suspect, policy) ? now : suspect.last + policy.rest
            }.min()
        }
        return max(.zero, (due.min() ?? now) - now)
    }

    /// Whether anything about a record's row is suspected.
    package func isRowSuspect(_ record: RecordID) -> Bool { find(.row, record, "") != nil }

    /// Clears a suspicion after a success.
    package mutating func clear(_ subject: Subject, of record: RecordID, checksum: String) {
        guard var list = suspects[record] else { return }
        list.removeAll { suspect in
            guard suspect.subject == subject, suspect.checksum == checksum else { return false }
            if suspect.vector != nil { vectors -= 1 }
            return true
        }
        if list.isEmpty { remove(record) } else { suspects[record] = list }
    }

    /// Forgets records whose batch has ended.
    package mutating func forget(_ records: [RecordID]) {
        for record in records {
            guard let list = suspects[record] else { continue }
            vectors -= list.count { $0.vector != nil }
            remove(record)
        }
    }

    /// Also from the order: a record that is suspected again later counts as new.
    private mutating func remove(_ record: RecordID) {
        suspects[record] = nil
        if let place = order.firstIndex(of: record) { order.remove(at: place) }
    }

    private static func isCondemned(_ suspect: Suspect, _ policy: Policy) -> Bool {
        suspect.failures >= policy.failuresMin && suspect.last - suspect.first >= policy.spanMin
    }

    private func find(_ subject: Subject, _ record: RecordID, _ checksum: String) -> Suspect? {
        suspects[record]?.first { $0.subject == subject && $0.checksum == checksum }
    }

    private mutating func change(
        _ subject: Subject,
        _ record: RecordID,
        _ checksum: String,
        _ policy: Policy,
        _ body: (inout Suspect) -> Void
    ) {
        if suspects[record] == nil { order.append(record) }
        var list = suspects[record] ?? []
        let place = list.firstIndex { $0.subject == subject && $0.checksum == checksum }
        if let place {
            body(&list[place])
        } else {
            var suspect = Suspect(subject: subject, checksum: checksum)
            body(&suspect)
            list.append(suspect)
        }
        suspects[record] = list
        while order.count > policy.recordsMax { forget([order[0]]) }
    }
}
