import Migration

extension TrackingTables {
    /// How long a controller lease lasts without a renewal; `docs/tracking.md` §5.
    static let controllerTTL = Duration.seconds(30)

    /// `open_ingestion_job`.
    mutating func open(
        _ call: OpenIngestionJob,
        _ transaction: Transaction
    ) throws(PortFailure) -> OpenIngestionJob.Answer {
        try require(!call.targetKey.isEmpty, "p_target_key must not be empty")
        try requireUUID(call.token, "p_token")
        try Self.check(call.settings)
        let opened = jobs.lastIndex {
            $0.targetKey == call.targetKey && $0.openedToken == call.token && !deletedJobs.contains($0.id)
        }
        let open = policy.targetsAreExclusive ? indexOfOpenJob(target: call.targetKey) : nil
        guard let index = open ?? opened else { return create(call, transaction) }
        guard jobs[index].configHash == call.configHash else {
            let epoch = jobs[index].controllerEpoch
            return .init(result: .configMismatch, role: .follower, epoch: epoch, job: jobs[index].summary)
        }
        guard jobs[index].status.isOpen else {
            let epoch = jobs[index].controllerEpoch
            return .init(result: .resumed, role: .follower, epoch: epoch, job: jobs[index].summary)
        }
        let role = takeControl(of: index, call.controllerId, call.token, transaction)
        if call.start, jobs[index].status == .pending { start(index, transaction) }
        return .init(result: .resumed, role: role, epoch: jobs[index].controllerEpoch, job: jobs[index].summary)
    }

    /// Asks for a job's controller lease: the caller's own is extended, and an expired one becomes the caller's with
    /// the next epoch.
    private mutating func takeControl(
        of index: Int,
        _ controllerID: String,
        _ token: String,
        _ transaction: Transaction
    ) -> OpenIngestionJob.Role {
        let isHeld = jobs[index].controllerExpiresAt > transaction.now
        guard !isHeld || jobs[index].controllerToken == token else { return .follower }
        if !isHeld {
            jobs[index].controllerEpoch += 1
            jobs[index].controllerToken = token
        }
        jobs[index].controllerID = controllerID
        jobs[index].controllerExpiresAt = transaction.now + Self.controllerTTL
        return .controller
    }

    /// `join_ingestion_job`.
    mutating func join(
        _ call: JoinIngestionJob,
        _ transaction: Transaction
    ) throws(PortFailure) -> JoinIngestionJob.Answer {
        try requireUUID(call.token, "p_token")
        guard let index = index(of: call.job) else {
            return .init(result: .notFound, role: .follower, epoch: 0, job: nil)
        }
        let refusal: JoinIngestionJob.Result? =
            if !jobs[index].status.isOpen, policy.endedJobsStayEnded {
                .ended
            } else if jobs[index].configHash != call.configHash {
                .configMismatch
            } else {
                nil
            }
        if let refusal {
            let epoch = jobs[index].controllerEpoch
            return .init(result: refusal, role: .follower, epoch: epoch, job: jobs[index].summary)
        }
        let role = takeControl(of: index, call.controllerId, call.token, transaction)
        return .init(result: .resumed, role: role, epoch: jobs[index].controllerEpoch, job: jobs[index].summary)
    }

    /// `add_ingestion_servers`.
    mutating func addServers(_ call: AddIngestionServers) throws(PortFailure) -> AddIngestionServers.Answer {
        try Self.check(call.servers)
        guard let index = index(of: call.job) else { return .init(result: .notFound, servers: nil) }
        let servers = jobs[index].servers.union(call.servers)
        try Self.check(servers)
        jobs[index].servers = servers
        return .init(result: .ok, servers: servers)
    }

    private mutating func create(_ call: OpenIngestionJob, _ transaction: Transaction) -> OpenIngestionJob.Answer {
        let index = jobs.count
        // The servers have their own column.
        var settings = call.settings
        settings.servers = JobServers()
        jobs.append(
            JobRow(
                id: JobID(index + 1),
                targetKey: call.targetKey,
                configHash: call.configHash,
                config: call.config,
                settings: settings,
                createdAt: transaction.now,
                status: .pending,
                servers: call.settings.servers,
                openedToken: call.token,
                controllerID: call.controllerId,
                controllerEpoch: 1,
                controllerToken: call.token,
                controllerExpiresAt: transaction.now + Self.controllerTTL
            )
        )
        record("opened", in: index, transaction, ["target_key": call.targetKey])
        if call.start { start(index, transaction) }
        return .init(result: .created, role: .controller, epoch: 1, job: jobs[index].summary)
    }

    /// Moves a job to `running` and stores when it first ran.
    mutating func start(_ index: Int, _ transaction: Transaction) {
        jobs[index].status = .running
        jobs[index].startedAt = jobs[index].startedAt ?? transaction.now
    }

    private static func check(_ settings: JobSettings) throws(PortFailure) {
        try require((0...1000).contains(settings.maxRetries), "max_retries must be 0…1000")
        try require((1...86_400).contains(settings.leaseSeconds), "lease_seconds must be 1…86400")
        try require((1...604_800).contains(settings.batchTimeoutSeconds), "batch_timeout_seconds must be 1…604800")
        try require((0...86_400).contains(settings.backoffBaseSeconds), "backoff_base_seconds must be 0…86400")
        try require((0...86_400).contains(settings.backoffCapSeconds), "backoff_cap_seconds must be 0…86400")
        try check(settings.servers)
    }

    private static func check(_ servers: JobServers) throws(PortFailure) {
        for entries in [servers.source, servers.points, servers.embedder] {
            try require(entries.count <= JobServers.entriesMax, "a kind has at most \(JobServers.entriesMax) servers")
            for entry in entries {
                let isFit = (1...JobServers.lengthMax).contains(entry.unicodeScalars.count) && !entry.utf8.contains(0)
                try require(isFit, "a server is a text of 1…\(JobServers.lengthMax) characters")
            }
        }
    }

    /// `renew_controller`.
    mutating func renew(
        _ call: RenewController,
        _ transaction: Transaction
    ) throws(PortFailure) -> RenewController.Answer {
        try requireUUID(call.token, "p_token")
        guard let index = index(of: call.job), isController(call.epoch, call.token, of: index) else {
            return .init(result: .lost, ttlMs: 0)
        }
        jobs[index].controllerExpiresAt = transaction.now + Self.controllerTTL
        return .init(result: .ok, ttlMs: jobs[index].controllerExpiresAt.milliseconds(since: transaction.now))
    }

    /// Compares (epoch, token): an expired lease that no other controller took still belongs to the caller.
    private func isController(_ epoch: Int, _ token: String, of index: Int) -> Bool {
        !policy.epochIsChecked
            || jobs[index].controllerEpoch == epoch && jobs[index].controllerToken == token
    }

    /// `append_ingestion_batches`.
    mutating func append(
        _ call: AppendIngestionBatches,
        _ transaction: Transaction
    ) throws(PortFailure) -> AppendIngestionBatches.Answer {
        try requireUUID(call.token, "p_token")
        try require(!call.batches.isEmpty, "p_batches must not be empty")
        try require(call.batches.allSatisfy { !$0.isEmpty }, "a batch must not be empty")
        var last = call.expectedCursor
        for id in call.batches.joined() {
            if let last { try require(id > last, "ids must be strictly ascending and above the cursor") }
            last = id
        }
        guard let index = index(of: call.job) else { return .init(result: .closed, cursor: nil, nextNumber: 0) }
        let result = place(call, in: index, lastID: last)
        if result == .appended {
            let first = jobs[index].batches.count
            for (offset, ids) in call.batches.enumerated() {
                jobs[index].batches.append(
                    BatchRow(number: first + offset, round: 0, recordIDs: ids, nextRetryAt: transaction.now)
                )
                jobs[index].totalRecords += Int64(ids.count)
            }
            jobs[index].planCursor = last
            let detail = ["first_batch": first, "batches": call.batches.count].mapValues(String.init)
            record("planned", in: index, transaction, detail.merging(["cursor": last.map(String.init) ?? ""]) { $1 })
        }
        return .init(result: result, cursor: jobs[index].planCursor, nextNumber: jobs[index].batches.count)
    }

    private func place(
        _ call: AppendIngestionBatches,
        in index: Int,
        lastID: RecordID?
    ) -> AppendIngestionBatches.Result {
        let job = jobs[index]
        guard isController(call.epoch, call.token, of: index) else { return .lost }
        if !job.status.isOpen { return .closed }
        if job.planCursor == lastID, isStored(call.batches, in: job) { return .duplicate }
        if job.isSealed { return .sealed }
        let fits = job.planCursor == call.expectedCursor || !policy.appendNeedsItsCursor
        return fits ? .appended : .cursorMismatch
    }

    /// Whether the last planned batches have these bounds.
    private func isStored(_ page: [[RecordID]], in job: JobRow) -> Bool {
        let planned = job.batches.lazy.filter { $0.round == 0 }.suffix(page.count).map(\.recordIDs)
        return planned.count == page.count
            && zip(planned, page).allSatisfy { stored, sent in
                stored.first == sent.first && stored.last == sent.last && stored.count == sent.count
            }
    }

    /// `seal_ingestion_plan`.
    mutating func seal(
        _ call: SealIngestionPlan,
        _ transaction: Transaction
    ) throws(PortFailure) -> SealIngestionPlan.Answer {
        try requireUUID(call.token, "p_token")
        guard let index = index(of: call.job) else { return .init(result: .closed) }
        guard isController(call.epoch, call.token, of: index) else { return .init(result: .lost) }
        if jobs[index].isSealed { return .init(result: .alreadySealed) }
        if !jobs[index].status.isOpen { return .init(result: .closed) }
        guard jobs[index].planCursor == call.expectedCursor else { return .init(result: .cursorMismatch) }
        jobs[index].planSealedAt = transaction.now
        jobs[index].planUpper = call.upper
        jobs[index].sourceCount = call.sourceCount
        record("sealed", in: index, transaction, call.upper.map { ["upper": String($0)] } ?? [:])
        return .init(result: .sealed)
    }
}
