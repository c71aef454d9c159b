import GRDB
import Migration

// Opening a job and planning it: sql/sqlite/003_planning.sql.

extension SQLiteTransaction {
    func open(_ call: OpenIngestionJob) throws -> OpenIngestionJob.Answer {
        try demand(!call.targetKey.isEmpty, "target_key must not be empty")
        let token = try call.token.uuid("token")
        try Self.check(call.settings)
        if let row = try row("open_job", ["target": call.targetKey, "token": token]) {
            let job = try SQLiteJob(row)
            // Models must never mix; and a repeat of the call that opened a job opens no other one (I27).
            guard job.configHash == call.configHash, job.status.isOpen else {
                let result: OpenIngestionJob.Result = job.configHash == call.configHash ? .resumed : .configMismatch
                return .init(result: result, role: .follower, epoch: job.epoch, job: try job.summary)
            }
            let role = try begin(job.id, call.controllerId, token, starts: call.start)
            return try answer(.resumed, role, job.id)
        }
        guard let id: JobID = try row("create_job", values(of: call, token))?["id"] else {
            throw PortFailure(.unclassified, "the job was not made")
        }
        try run("add_counters", ["job": id])
        let role = try begin(id, call.controllerId, token, starts: call.start)
        if let job = try job(id) { try log("opened", of: job, ["target_key": call.targetKey]) }
        return try answer(.created, role, id)
    }

    private func answer(
        _ result: OpenIngestionJob.Result,
        _ role: OpenIngestionJob.Role,
        _ id: JobID
    ) throws -> OpenIngestionJob.Answer {
        guard let job = try job(id) else { throw PortFailure(.unclassified, "job \(id) is gone") }
        return .init(result: result, role: role, epoch: job.epoch, job: try job.summary)
    }

    private func values(of call: OpenIngestionJob, _ token: String) throws -> Arguments {
        let settings = call.settings
        return [
            "target": call.targetKey, "hash": call.configHash, "config": try Self.json(call.config),
            "servers": try Self.json(settings.servers), "token": token, "max_retries": settings.maxRetries,
            "lease_seconds": settings.leaseSeconds, "batch_timeout_seconds": settings.batchTimeoutSeconds,
            "backoff_base_seconds": settings.backoffBaseSeconds, "backoff_cap_seconds": settings.backoffCapSeconds,
            "record_events": settings.recordEvents, "at": at,
        ]
    }

    private func begin(
        _ id: JobID,
        _ controller: String,
        _ token: String,
        starts: Bool
    ) throws -> OpenIngestionJob.Role {
        if starts { try run("start_job", ["job": id, "at": at]) }
        return try takeControl(id, controller, token)
    }

    private func takeControl(_ id: JobID, _ controller: String, _ token: String) throws -> OpenIngestionJob.Role {
        let taken = try run(
            "take_control",
            ["job": id, "controller": controller.first(200), "token": token, "now": now.microseconds]
        )
        return taken == 1 ? .controller : .follower
    }

    private static func check(_ settings: JobSettings) throws(PortFailure) {
        let isFit =
            (0...1000).contains(settings.maxRetries) && (1...86_400).contains(settings.leaseSeconds)
            && (1...604_800).contains(settings.batchTimeoutSeconds)
            && (0...86_400).contains(settings.backoffBaseSeconds)
            && (0...86_400).contains(settings.backoffCapSeconds)
        try demand(isFit, "settings are out of range")
        try check(settings.servers)
    }

    private static func check(_ servers: JobServers) throws(PortFailure) {
        try demand(servers.fits, "a kind has at most \(JobServers.entriesMax) servers")
        for entry in servers.source + servers.points + servers.embedder {
            let isFit = (1...JobServers.lengthMax).contains(entry.unicodeScalars.count) && !entry.utf8.contains(0)
            try demand(isFit, "a server is a text of 1…\(JobServers.lengthMax) characters")
        }
    }

    func join(_ call: JoinIngestionJob) throws -> JoinIngestionJob.Answer {
        let token = try call.token.uuid("token")
        guard let job = try job(call.job) else { return .init(result: .notFound, role: .follower, epoch: 0, job: nil) }
        guard job.status.isOpen, job.configHash == call.configHash else {
            let refusal: JoinIngestionJob.Result = job.status.isOpen ? .configMismatch : .ended
            return .init(result: refusal, role: .follower, epoch: job.epoch, job: try job.summary)
        }
        let role = try takeControl(job.id, call.controllerId, token)
        let joined = try self.job(call.job)
        return .init(result: .resumed, role: role, epoch: joined?.epoch ?? 0, job: try joined?.summary)
    }

    func addServers(_ call: AddIngestionServers) throws -> AddIngestionServers.Answer {
        try Self.check(call.servers)
        guard let job = try job(call.job) else { return .init(result: .notFound, servers: nil) }
        let servers = try job.servers.union(call.servers)
        try Self.check(servers)
        try run("set_servers", ["job": job.id, "servers": Self.json(servers)])
        return .init(result: .ok, servers: servers)
    }

    func renew(_ call: RenewController) throws -> RenewController.Answer {
        let token = try call.token.uuid("token")
        let arguments: Arguments = [
            "job": call.job, "epoch": call.epoch, "token": token, "now": now.microseconds,
        ]
        return try run("renew_controller", arguments) == 1
            ? .init(result: .ok, ttlMs: 30_000) : .init(result: .lost, ttlMs: 0)
    }

    func append(_ call: AppendIngestionBatches) throws -> AppendIngestionBatches.Answer {
        let token = try call.token.uuid("token")
        let last = try Self.checkPage(call)
        let found = try row(
            "plan_state",
            [
                "job": call.job, "epoch": call.epoch, "token": token, "expected": call.expectedCursor, "last": last,
                "seals": false,
            ]
        )
        guard let job = try job(call.job), let state: String = try found?["state"] else {
            return .init(result: .closed, cursor: nil, nextNumber: 0)
        }
        let result: AppendIngestionBatches.Result
        switch state {
        case "fits": result = .appended
        case "perhaps_duplicate":
            // The answer was lost, if this same page is the last one that was stored.
            let isStored = try isStored(call.batches, job.id)
            result = isStored ? .duplicate : job.isSealed ? .sealed : .cursorMismatch
        default: result = AppendIngestionBatches.Result(rawValue: state) ?? .lost
        }
        guard result == .appended else {
            return .init(result: result, cursor: job.planCursor, nextNumber: job.nextBatchNumber)
        }
        try add(call.batches, round: 0, to: job)
        try log(
            "planned",
            of: job,
            [
                "first_batch": String(job.nextBatchNumber), "batches": String(call.batches.count),
                "cursor": String(last),
            ]
        )
        let records = call.batches.reduce(0) { $0 + $1.count }
        try run("advance_plan", ["job": job.id, "last": last, "batches": call.batches.count, "records": records])
        return .init(result: .appended, cursor: last, nextNumber: job.nextBatchNumber + call.batches.count)
    }

    /// - Returns: the last id of the page.
    private static func checkPage(_ call: AppendIngestionBatches) throws(PortFailure) -> RecordID {
        try demand(!call.batches.isEmpty, "a page has at least one batch")
        try demand(call.batches.allSatisfy { !$0.isEmpty }, "a batch has at least one record")
        var last = call.expectedCursor
        var bytes = 0
        for id in call.batches.joined() {
            try demand(last.map { id > $0 } ?? true, "ids must be ascending and above the cursor")
            last = id
            bytes += String(id).utf8.count + 2
        }
        try demand(bytes <= 1_572_864, "a page is at most 1 MB")
        return last ?? 0
    }

    /// Whether the last planned batches have these bounds.
    private func isStored(_ page: [[RecordID]], _ job: JobID) throws -> Bool {
        let stored = try rows("last_planned", ["job": job, "count": page.count])
        return try stored.count == page.count
            && zip(stored, page.reversed()).allSatisfy { row, ids in
                try row["first"] == ids.first && row["last"] == ids.last && row["record_count"] == ids.count
            }
    }

    func seal(_ call: SealIngestionPlan) throws -> SealIngestionPlan.Answer {
        let token = try call.token.uuid("token")
        let found = try row(
            "plan_state",
            [
                "job": call.job, "epoch": call.epoch, "token": token, "expected": call.expectedCursor, "last": nil,
                "seals": true,
            ]
        )
        guard let job = try job(call.job), let state: String = try found?["state"] else {
            return .init(result: .closed)
        }
        guard state == "fits" else { return .init(result: SealIngestionPlan.Result(rawValue: state) ?? .lost) }
        try log("sealed", of: job, ["upper": call.upper.map { String($0) }])
        try run("seal", ["job": job.id, "upper": call.upper, "source_count": call.sourceCount])
        return .init(result: .sealed)
    }
}
