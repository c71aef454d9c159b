/// A runner's report about itself; times are ages in milliseconds on its own clock.
package struct RunnerReport: Codable, Sendable, Equatable {
    package var host: String
    /// Its claiming loops.
    package var workers: Int
    /// Batches under its leases.
    package var held: Int
    /// Batches that it has completed.
    package var batches: Int64
    /// Their records.
    package var records: Int64
    /// `RunnerActivity.word`, or `left`.
    package var state: String
    /// The service for which it waits.
    package var service: String?
    /// The reason, at most 500 characters: a code, or the words of a person.
    package var reason: String?
    /// The age of this state; the store uses it when the state is new.
    package var sinceMs: Int
    /// The end of the wait, if that is known.
    package var untilMs: Int?
    /// The age of the process.
    package var startedMs: Int

    package init(
        host: String,
        workers: Int,
        held: Int,
        batches: Int64,
        records: Int64,
        state: String,
        service: String? = nil,
        reason: String? = nil,
        sinceMs: Int = 0,
        untilMs: Int? = nil,
        startedMs: Int = 0
    ) {
        self.host = host
        self.workers = workers
        self.held = held
        self.batches = batches
        self.records = records
        self.state = state
        self.service = service
        self.reason = reason
        self.sinceMs = sinceMs
        self.untilMs = untilMs
        self.startedMs = startedMs
    }
}

/// A runner as the store shows it; times are ages in milliseconds on the database clock.
package struct RunnerSummary: Codable, Sendable, Equatable {
    /// The name of the process: host and process id.
    package var runner: String
    package var host: String
    /// Its claiming loops.
    package var workers: Int
    /// Batches under its leases when it was last seen.
    package var held: Int
    /// Batches that it has completed.
    package var batches: Int64
    /// Their records.
    package var records: Int64
    /// `RunnerActivity.word`, or `left`.
    package var state: String
    /// The service for which it waits.
    package var service: String?
    package var reason: String?
    /// The age of this state.
    package var sinceMs: Int
    /// The end of the wait, if that is known.
    package var untilMs: Int?
    /// When it was started.
    package var startedMs: Int
    /// When it was last seen.
    package var seenMs: Int
    /// Records per minute in its recent work; nil before the first minute.
    package var recordsPerMinute: Int64?

    package init(
        runner: String,
        host: String,
        workers: Int,
        held: Int,
        batches: Int64,
        records: Int64,
        state: String,
        service: String?,
        reason: String?,
        sinceMs: Int,
        untilMs: Int?,
        startedMs: Int,
        seenMs: Int,
        recordsPerMinute: Int64?
    ) {
        self.runner = runner
        self.host = host
        self.workers = workers
        self.held = held
        self.batches = batches
        self.records = records
        self.state = state
        self.service = service
        self.reason = reason
        self.sinceMs = sinceMs
        self.untilMs = untilMs
        self.startedMs = startedMs
        self.seenMs = seenMs
        self.recordsPerMinute = recordsPerMinute
    }

    /// Whether it is at work: it is unlikely that three of its reports in a row were lost.
    package var isAlive: Bool { state != RunnerActivity.leftWord && seenMs < Self.silentMs }

    /// A runner that is silent for longer counts as dead; it reports every half minute.
    package static let silentMs = 90_000
}
