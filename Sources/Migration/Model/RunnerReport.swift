/// What a runner says of itself; times are ages in milliseconds, by its own clock.
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
    /// The service that it waits for.
    package var service: String?
    /// Why, at most 500 characters: a code, a person's words.
    package var reason: String?
    /// For how long it has been so; the store believes it when the state is new.
    package var sinceMs: Int
    /// When the wait ends, where that is known.
    package var untilMs: Int?
    /// For how long the process has been at work.
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

/// A runner as the store knows it; times are ages in milliseconds, by the database clock.
package struct RunnerSummary: Codable, Sendable, Equatable {
    /// Names the process: host and process id.
    package var runner: String
    package var host: String
    /// Its claiming loops.
    package var workers: Int
    /// Batches under its leases, when it was seen.
    package var held: Int
    /// Batches that it has completed.
    package var batches: Int64
    /// Their records.
    package var records: Int64
    /// `RunnerActivity.word`, or `left`.
    package var state: String
    /// The service that it waits for.
    package var service: String?
    package var reason: String?
    /// For how long it has been so.
    package var sinceMs: Int
    /// When the wait ends, where that is known.
    package var untilMs: Int?
    /// Since when it has been at work.
    package var startedMs: Int
    /// When it was heard of last.
    package var seenMs: Int
    /// Records per minute lately; nil before the first minute.
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

    /// Whether it is at work: three of its reports cannot have been lost in a row.
    package var isAlive: Bool { state != RunnerActivity.leftWord && seenMs < Self.silentMs }

    /// A runner that is silent for longer is taken for dead; it reports every half minute.
    package static let silentMs = 90_000
}
