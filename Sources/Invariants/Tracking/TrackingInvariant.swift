package import Migration

/// The invariants of `docs/tracking.md` that a history can show, by their numbers.
package enum TrackingInvariant: Int, CaseIterable, Sendable, CustomStringConvertible {
    case oneClaimOneEnd = 1
    case completedOnce
    case currentFence
    case denseAttempts
    case oneLease
    case endedStaysEnded
    case retryBudget
    case termsOfClaims
    case repeatedClaim
    case harmlessRepeats
    case oneController
    case exactPlan
    case sumOfABatch
    case sumOfTheJob
    case exactCounters
    case deadLetters
    case finalStatus

    package var description: String { "I\(rawValue)" }
}

/// A broken invariant, and where it is broken.
package struct TrackingViolation: Sendable, Hashable, CustomStringConvertible {
    package let invariant: TrackingInvariant
    package let job: JobID
    package let finding: String

    package var description: String { "\(invariant) job \(job): \(finding)" }
}

extension TrackingEvidence {
    /// Every violation of these invariants; empty for a store that keeps its promises.
    ///
    /// What the evidence does not contain is not checked: without calls the answers, and without times the leases that
    /// heartbeats have extended.
    package func violations(of invariants: [TrackingInvariant] = TrackingInvariant.allCases) -> [TrackingViolation] {
        jobs.flatMap { job in
            let history = JobHistory(job, in: self)
            return invariants.flatMap { invariant in
                history.findings(against: invariant).map {
                    TrackingViolation(invariant: invariant, job: job.summary.id, finding: $0)
                }
            }
        }
    }
}

/// A heartbeat's report about one batch, and the lease in its answer, if both are known.
struct Heartbeat {
    let item: HeartbeatItem
    let began: Int
    let until: DatabaseTime?

    init(_ item: HeartbeatItem, _ answer: BumpBatchProgress.Item?, of observed: ObservedCall) {
        self.item = item
        began = observed.began
        guard let answer, answer.result == .ok, let at = observed.at else {
            until = nil
            return
        }
        until = at + .milliseconds(answer.leaseMs)
    }
}

/// One job's evidence, in the order in which the checks read it.
struct JobHistory {
    let job: TrackingEvidence.Job
    /// Other open jobs of the same target.
    let rivals: [JobID]
    /// Earlier jobs of the same target that were open at the same time.
    let rivalsOnce: [JobID]
    /// The calls that name this job, in the order in which they began.
    let calls: [ObservedCall]
    /// The same by function, because nearly every check reads the calls of one function.
    private let callsByFunction: [ObjectIdentifier: [ObservedCall]]
    let slack: Duration
    /// The calls that may write an event of this kind about a batch; empty if the time of an event is exact.
    let writers: [String: [ObservedCall]]
    /// What heartbeats reported about a batch, in the order in which they began.
    let heartbeats: [Int: [Heartbeat]]
    /// One for each row of `ingestion_batch`, in order.
    let batches: [BatchHistory]

    init(_ job: TrackingEvidence.Job, in evidence: TrackingEvidence) {
        self.job = job
        slack = evidence.slack
        let id = job.summary.id
        rivals = evidence.jobs.map(\.summary).filter {
            $0.id != id && $0.targetKey == job.summary.targetKey && $0.status.isOpen && job.summary.status.isOpen
        }.map(\.id)
        rivalsOnce = evidence.jobsOpen(beside: job)
        let calls = evidence.calls.filter { $0.job == id }
        self.calls = calls
        callsByFunction = Dictionary(grouping: calls) { $0.function }
        var writers: [String: [ObservedCall]] = [:]
        if slack > .zero {
            for observed in calls { for kind in observed.writes { writers[kind, default: []].append(observed) } }
        }
        self.writers = writers
        heartbeats = Dictionary(
            grouping: (callsByFunction[ObjectIdentifier(BumpBatchProgress.self)] ?? []).flatMap {
                observed -> [Heartbeat] in
                guard let call = observed.sent(BumpBatchProgress.self) else { return [] }
                guard let answer = observed.given(BumpBatchProgress.self), answer.items.count == call.items.count else {
                    return call.items.map { Heartbeat($0, nil, of: observed) }
                }
                return zip(call.items, answer.items).map { Heartbeat($0, $1, of: observed) }
            },
            by: \.item.batchNumber
        )
        let events = Dictionary(grouping: job.events.filter { $0.batchNumber != nil }) { $0.batchNumber ?? 0 }
        batches = job.batches.map { BatchHistory(row: $0, events: events[$0.batchNumber] ?? []) }
    }

    /// Makes a value of each answered call of a function, in the order in which the calls began.
    func answered<Call: TrackingCall, Value>(
        _ type: Call.Type,
        _ make: (ObservedCall, Call, Call.Answer) -> Value?
    ) -> [Value] {
        var values: [Value] = []
        for observed in callsByFunction[ObjectIdentifier(type)] ?? [] {
            guard let answer = observed.given(type), let call = observed.sent(type),
                let value = make(observed, call, answer)
            else { continue }
            values.append(value)
        }
        return values
    }

    /// Whether the store records events.
    var isRecorded: Bool { job.summary.settings.recordEvents }
    /// The length of a new lease: a lease never exceeds the batch's deadline.
    var lease: Duration {
        .seconds(min(job.summary.settings.leaseSeconds, job.summary.settings.batchTimeoutSeconds))
    }

    func findings(against invariant: TrackingInvariant) -> [String] {
        switch invariant {
        case .oneClaimOneEnd: batches.flatMap(\.unpairedEnds)
        case .completedOnce: batches.flatMap(\.repeatedCompletions)
        case .currentFence: staleCallsApplied
        case .denseAttempts: isRecorded ? batches.flatMap(\.gapsInAttempts) : []
        case .oneLease: overlappingLeases
        case .endedStaysEnded: isRecorded ? batches.flatMap(\.changesAfterTheEnd) + wrongDivisions : []
        case .retryBudget: isRecorded ? batches.flatMap { $0.retryMistakes(job.summary.settings.maxRetries) } : []
        case .termsOfClaims: forbiddenClaims
        case .repeatedClaim: differingClaims
        case .harmlessRepeats: harmfulRepeats
        case .oneController: rivalControllers
        case .exactPlan: planMistakes
        case .sumOfABatch: batches.flatMap(\.wrongSums)
        case .sumOfTheJob: wrongTotal
        case .exactCounters: wrongCounters + wrongBrakes
        case .deadLetters: wrongDeadLetters
        case .finalStatus: wrongFinalStatus
        }
    }
}

/// One batch: its row and its events, in the order of its row lock.
struct BatchHistory {
    /// One claim and its end.
    struct Attempt {
        let claimed: EventSummary
        let claimedAt: DatabaseTime
        var end: EventSummary?
    }

    let row: BatchSummary
    let events: [EventSummary]
    let attempts: [Attempt]

    init(row: BatchSummary, events: [EventSummary]) {
        self.row = row
        self.events = events
        var attempts: [Attempt] = []
        for event in events {
            if event.kind == "claimed" { attempts.append(Attempt(claimed: event, claimedAt: event.time)) }
            guard event.isEnd else { continue }
            if let index = attempts.lastIndex(where: { $0.claimed.attempt == event.attempt && $0.end == nil }) {
                attempts[index].end = event
            }
        }
        self.attempts = attempts
    }

    var name: String { "batch \(row.batchNumber)" }
    var isFinal: Bool { row.status == .completed || row.status == .failed }
}

extension EventSummary {
    /// Whether it ended an attempt.
    var isEnd: Bool { ["completed", "failed", "release", "defer", "reaped"].contains(kind) }
    package var time: DatabaseTime { DatabaseTime(text: at) ?? .start }
    var short: String { "event \(id) \(kind) of attempt \(attempt ?? 0)" }

    func number(_ key: String) -> Int? { detail[key].flatMap { Int($0) } }
}

extension ObservedCall {
    /// The job that it names; for an open, the job in the answer.
    fileprivate var job: JobID? { namedJob ?? given(OpenIngestionJob.self)?.job.id }
}
