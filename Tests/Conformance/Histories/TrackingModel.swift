// Longer than 300 lines: the state of the model and what each call does to it.

package import Invariants
import Migration

/// The tracking contract once more, as small as it can be said: one list of jobs, no locks, no indexes, no counters.
///
/// It says what every call must answer. The fake and the SQL were written with care for speed, overlap and storage; this
/// was not, and shares no code with them but the spelling of a time.
package struct TrackingModel: Sendable {
    /// Where a batch stands.
    enum State: Sendable, Equatable {
        case waiting(until: DatabaseTime)
        case held(since: DatabaseTime, lease: DatabaseTime, deadline: DatabaseTime)
        case done, failed
    }

    struct Batch: Sendable {
        let number: Int
        let round: Int
        let ids: [RecordID]
        var state: State
        var attempt = 0
        var retries = 0
        var claim: String?
        var worker: String?
        var counts = BatchCounts()
        var moved = 0
        var outcome: String?
        var error: BatchError?
    }

    struct Job: Sendable {
        let id: JobID
        let target: String
        let hash: String
        let config: [String: String]
        let settings: JobSettings
        let created: DatabaseTime
        var status = JobStatus.pending
        var started: DatabaseTime?
        var ended: DatabaseTime?
        var reason: String?
        var servers: JobServers
        let opener: String
        var controller = ""
        var epoch = 0
        var token = ""
        var controlledUntil: DatabaseTime
        var cursor: RecordID?
        var upper: RecordID?
        var sourceCount: Int64?
        var isSealed = false
        var round = 0
        var batches: [Batch] = []
        var letters: [RecordID: FailureSummary] = [:]
        var lastRequest: (id: String, answer: RequeueAnswer)?
        /// How attempts ended: what no row remembers.
        var retries: Int64 = 0
        var reaps: Int64 = 0
        var releases: Int64 = 0
        var defers: Int64 = 0
        /// What the brakes look at; nothing lowers it.
        var givenUp: Int64 = 0
        var removed: Int64 = 0
        var paid = Paid.nothing
        var seen: (givenUp: Int64, removed: Int64) = (0, 0)
    }

    /// One call's moment.
    struct Moment {
        let now: DatabaseTime
        let chance: Double
    }

    var jobs: [Job] = []
    /// What happened that a good history must contain.
    package internal(set) var coverage = HistoryCoverage()

    package init() {}

    /// Performs a call.
    ///
    /// - Returns: what it must answer; nil where the model has no opinion (quotas, events, other lists).
    package mutating func answer(_ step: RecordedStep) -> RecordedAnswer? {
        let moment = Moment(now: DatabaseTime.start + .microseconds(step.at), chance: step.chance)
        switch step.call {
        case let call as OpenIngestionJob: return told(open(call, moment))
        case let call as JoinIngestionJob: return told(join(call, moment))
        case let call as AddIngestionServers: return told(addServers(call))
        case let call as RenewController: return told(renew(call, moment))
        case let call as AppendIngestionBatches: return told(append(call, moment))
        case let call as SealIngestionPlan: return told(seal(call))
        case let call as ClaimNextBatch: return told(claim(call, moment))
        case let call as BumpBatchProgress: return told(heartbeat(call, moment))
        case let call as FinishBatch: return told(finish(call, moment))
        case let call as ResetStuckBatches: return told(reset(call, moment))
        case let call as ControlIngestionJob: return told(control(call, moment))
        case let call as FinalizeIngestionJob: return told(finalize(call, moment))
        case let call as RequeueFailedBatches: return told(requeue(call, moment))
        case let call as RequeueFailedRecords: return told(requeue(call, moment))
        case let call as GetIngestionJobStats: return told(stats(of: call.job, isExact: false))
        case let call as GetIngestionJobStatsExact: return told(stats(of: call.job, isExact: true))
        case let call as ListIngestionBatches: return batches(call, moment).map { .given($0) }
        case let call as ListIngestionFailures: return failures(call).map { .given($0) }
        default: return nil
        }
    }

    /// Nil is what a caller's bug is answered.
    private func told<Answer: TrackingAnswer>(_ answer: Answer?) -> RecordedAnswer {
        answer.map { .given($0) } ?? .refused
    }

    func index(of job: JobID) -> Int? { jobs.firstIndex { $0.id == job } }
}

// MARK: Planning

extension TrackingModel {
    private static let controllerTTL = Duration.seconds(30)

    private mutating func open(_ call: OpenIngestionJob, _ moment: Moment) -> OpenIngestionJob.Answer? {
        guard call.settings.servers.isBounded else { return nil }
        var result = OpenIngestionJob.Result.resumed
        let index: Int
        if let open = jobs.firstIndex(where: { $0.target == call.targetKey && $0.status.isOpen }) {
            index = open
        } else if let own = jobs.firstIndex(where: { $0.target == call.targetKey && $0.opener == call.token }) {
            // The call was here before; its job is over.
            let job = jobs[own]
            let answer = job.hash == call.configHash ? OpenIngestionJob.Result.resumed : .configMismatch
            return .init(result: answer, role: .follower, epoch: job.epoch, job: job.summary)
        } else {
            result = .created
            index = jobs.count
            jobs.append(
                Job(
                    id: JobID(index + 1),
                    target: call.targetKey,
                    hash: call.configHash,
                    config: call.config,
                    settings: call.settings.withoutServers,
                    created: moment.now,
                    servers: call.settings.servers,
                    opener: call.token,
                    controlledUntil: moment.now
                )
            )
        }
        var job = jobs[index]
        guard job.hash == call.configHash else {
            return .init(result: .configMismatch, role: .follower, epoch: job.epoch, job: job.summary)
        }
        let isOurs = control(&job, call.controllerId, call.token, moment)
        if call.start, job.status == .pending {
            job.status = .running
            job.started = moment.now
        }
        jobs[index] = job
        return .init(result: result, role: isOurs ? .controller : .follower, epoch: job.epoch, job: job.summary)
    }

    /// Whether the controller lease is given.
    private mutating func control(_ job: inout Job, _ name: String, _ token: String, _ moment: Moment) -> Bool {
        if job.controlledUntil <= moment.now {
            if job.epoch > 0, !job.isSealed, !job.batches.isEmpty, job.token != token { coverage.plannersDied += 1 }
            job.epoch += 1
            job.token = token
        } else if job.token != token {
            return false
        }
        job.controller = name
        job.controlledUntil = moment.now + Self.controllerTTL
        return true
    }

    private mutating func join(_ call: JoinIngestionJob, _ moment: Moment) -> JoinIngestionJob.Answer {
        guard let index = index(of: call.job) else {
            return .init(result: .notFound, role: .follower, epoch: 0, job: nil)
        }
        var job = jobs[index]
        var result = JoinIngestionJob.Result.resumed
        if job.hash != call.configHash { result = .configMismatch }
        if !job.status.isOpen { result = .ended }
        var role = OpenIngestionJob.Role.follower
        if result == .resumed, control(&job, call.controllerId, call.token, moment) { role = .controller }
        if result == .ended { coverage.joinsTooLate += 1 }
        jobs[index] = job
        return .init(result: result, role: role, epoch: job.epoch, job: job.summary)
    }

    private mutating func addServers(_ call: AddIngestionServers) -> AddIngestionServers.Answer? {
        guard call.servers.isBounded else { return nil }
        guard let index = index(of: call.job) else { return .init(result: .notFound, servers: nil) }
        let all = jobs[index].servers.union(call.servers)
        guard all.isBounded else { return nil }
        jobs[index].servers = all
        return .init(result: .ok, servers: all)
    }

    private mutating func renew(_ call: RenewController, _ moment: Moment) -> RenewController.Answer {
        guard let index = index(of: call.job), jobs[index].isControlled(by: call.epoch, call.token) else {
            return .init(result: .lost, ttlMs: 0)
        }
        jobs[index].controlledUntil = moment.now + Self.controllerTTL
        return .init(result: .ok, ttlMs: 30_000)
    }

    private mutating func append(_ call: AppendIngestionBatches, _ moment: Moment) -> AppendIngestionBatches.Answer? {
        let ids = call.batches.flatMap(\.self)
        let chain = (call.expectedCursor.map { [$0] } ?? []) + ids
        guard !call.batches.isEmpty, call.batches.allSatisfy({ !$0.isEmpty }),
            zip(chain, chain.dropFirst()).allSatisfy({ $0 < $1 })
        else { return nil }
        guard let index = index(of: call.job) else {
            return .init(result: .closed, cursor: nil, nextNumber: 0)
        }
        let job = jobs[index]
        let stored = job.batches.filter { $0.round == 0 }.suffix(call.batches.count).map(\.ids)
        let bounds = { (page: [[RecordID]]) in page.map { [$0[0], $0[$0.count - 1], RecordID($0.count)] } }
        let result: AppendIngestionBatches.Result =
            if !job.isControlled(by: call.epoch, call.token) {
                .lost
            } else if !job.status.isOpen {
                .closed
            } else if job.cursor == ids.last, bounds(stored) == bounds(call.batches) {
                .duplicate
            } else if job.isSealed {
                .sealed
            } else if job.cursor != call.expectedCursor {
                .cursorMismatch
            } else {
                .appended
            }
        if result == .lost, call.epoch < job.epoch { coverage.pagesOfAnOldEpoch += 1 }
        if result == .appended {
            jobs[index].add(call.batches, round: 0, at: moment.now)
            jobs[index].cursor = ids.last
        }
        let after = jobs[index]
        return .init(result: result, cursor: after.cursor, nextNumber: after.batches.count)
    }

    private mutating func seal(_ call: SealIngestionPlan) -> SealIngestionPlan.Answer {
        guard let index = index(of: call.job) else { return .init(result: .closed) }
        let job = jobs[index]
        if !job.isControlled(by: call.epoch, call.token) { return .init(result: .lost) }
        if job.isSealed { return .init(result: .alreadySealed) }
        if !job.status.isOpen { return .init(result: .closed) }
        if job.cursor != call.expectedCursor { return .init(result: .cursorMismatch) }
        jobs[index].isSealed = true
        jobs[index].upper = call.upper
        jobs[index].sourceCount = call.sourceCount
        return .init(result: .sealed)
    }
}

extension TrackingModel.Job {
    func isControlled(by epoch: Int, _ token: String) -> Bool { self.epoch == epoch && self.token == token }

    mutating func add(_ groups: [[RecordID]], round: Int, at now: DatabaseTime) {
        for ids in groups {
            batches.append(.init(number: batches.count, round: round, ids: ids, state: .waiting(until: now)))
        }
    }

    var summary: JobSummary {
        JobSummary(
            id: id,
            targetKey: target,
            status: status,
            configHash: hash,
            config: config,
            settings: settings,
            planCursor: cursor,
            planUpper: upper,
            sealed: isSealed,
            nextBatchNumber: batches.count,
            totalBatches: batches.count,
            totalRecords: Int64(batches.filter { $0.round == 0 }.reduce(0) { $0 + $1.ids.count }),
            sourceCount: sourceCount,
            currentRound: round,
            controllerId: controller,
            createdAt: created.text,
            startTime: started?.text,
            endTime: ended?.text,
            reason: reason,
            servers: servers
        )
    }
}

extension JobServers {
    fileprivate var isBounded: Bool {
        [source, points, embedder].allSatisfy { entries in
            entries.count <= 20 && entries.allSatisfy { (1...500).contains($0.unicodeScalars.count) }
        }
    }
}

extension JobSettings {
    /// As a job tells them: the servers are told apart.
    fileprivate var withoutServers: Self {
        var settings = self
        settings.servers = JobServers()
        return settings
    }
}
