import Migration

/// Joining a job by its number, and its servers.
extension JobScene {
    func joinAsksForTheControllerLease() async throws {
        let job = try await opened()
        let ours = try await join(job.job, token: job.token)
        try expectEqual(ours.result, .resumed, "join of an open job")
        try expectEqual(ours.role, .controller, "role of the holder of the lease")
        try expectEqual(ours.epoch, 1, "our own token keeps the epoch")
        try expectEqual(ours.job?.id, job.job, "the job that was named")
        try await harness.advance(by: .seconds(20))
        _ = try await join(job.job, token: job.token)
        try await harness.advance(by: .seconds(20))
        let other = try await join(job.job)
        try expectEqual(other.role, .follower, "role of another, 20 s after the holder has joined again")
        try expectEqual(other.epoch, 1, "a follower raises no epoch")
        try await harness.advance(by: .seconds(31))
        let token = Self.uuid()
        let heir = try await join(job.job, token: token)
        try expectEqual(heir.role, .controller, "role after the lease ran out")
        try expectEqual(heir.epoch, 2, "I11: epoch after a takeover")
        let old = try await store.renewController(.init(job: job.job, epoch: 1, token: job.token))
        try expectEqual(old.result, .lost, "I11: renewal of the old epoch")
        let new = try await store.renewController(.init(job: job.job, epoch: 2, token: token))
        try expectEqual(new.result, .ok, "renewal of the new epoch")
    }

    func joinAtTheSameTimeMakesOneController() async throws {
        let job = try await opened()
        try await harness.advance(by: .seconds(31))
        let answers = try await together(6) { _ in try await join(job.job) }
        try expectEqual(answers.count { $0.role == .controller }, 1, "controllers after six joins at once")
        try expectEqual(Set(answers.map(\.epoch)), [2], "I11: epochs after six joins at once")
    }

    func joinRepeatedIsTheSame() async throws {
        let job = try await opened()
        try await harness.advance(by: .seconds(31))
        let token = Self.uuid()
        let first = try await join(job.job, token: token)
        let again = try await join(job.job, token: token)
        try expectEqual(again, first, "I10: repeated join")
        try expectEqual(again.epoch, 2, "I10: epoch after a repeated join")
    }

    func joinNeverOpensAJob() async throws {
        let answer = try await join(.max)
        try expectEqual(answer, .init(result: .notFound, role: .follower, epoch: 0, job: nil), "join of no job")
        let job = try await opened()
        _ = try await control(job.job, .cancel)
        _ = try await join(job.job)
        let jobs = try await store.jobs(
            ListIngestionJobs(job: nil, filter: .init(targetKey: target), after: nil, limit: 10)
        ).rows
        try expectEqual(jobs.map(\.id), [job.job], "I11: jobs of the target after joins")
    }

    func openOpensOneJobForAToken() async throws {
        let token = Self.uuid()
        let first = try await open(token: token)
        _ = try await control(first.job.id, .cancel)
        let again = try await open(token: token)
        try expectEqual(again.job.id, first.job.id, "I27: job of a call that is repeated after its job has ended")
        try expectEqual(again.result, .resumed, "its result")
        try expectEqual(again.job.status, .cancelled, "status of the job")
        try expectEqual(again.role, .follower, "role in a job that has ended")
        let other = try await open(hash: hash + "2")
        try expectEqual(other.result, .created, "another call opens a job")
        let late = try await open(token: token, hash: hash + "2")
        try expectEqual(late.job.id, other.job.id, "the open job comes first")
        let elsewhere = try await open(token: token, target: target + "2")
        try expectEqual(elsewhere.result, .created, "the same token for another target")
    }

    func joinOfAnEndedJobChangesNothing() async throws {
        for end in [JobStatus.cancelled, .completed, .failed] {
            let job = try await ended(end)
            try await harness.advance(by: .seconds(31))
            let before = try await summary(job.job)
            let events = try await events(job.job)
            for token in [job.token, Self.uuid()] {
                let answer = try await join(job.job, token: token)
                try expectEqual(answer.result, .ended, "join of a \(end.rawValue) job")
                try expectEqual(answer.role, .follower, "role in a \(end.rawValue) job")
                try expectEqual(answer.job, before, "the job that is told")
            }
            try expectEqual(try await summary(job.job), before, "a \(end.rawValue) job after joins")
            try expectEqual(try await self.events(job.job), events, "events of a \(end.rawValue) job after joins")
            // Which of two answers is given where both are true.
            let both = try await join(job.job, hash: "hash-2")
            try expectEqual(both.result, .ended, "join of an ended job of another configuration")
        }
    }

    /// A job of the target that came to this end.
    private func ended(_ end: JobStatus) async throws -> Opened {
        let job = try await planned([[1]], settings: .noRetries)
        switch end {
        case .completed: try await complete(try await take(job.job))
        case .failed: try await fail(try await take(job.job))
        default: _ = try await control(job.job, .cancel)
        }
        _ = try await finalize(job.job)
        try expectEqual(try await summary(job.job).status, end, "status of the ended job")
        return job
    }

    func joinNeverJoinsAnotherJob() async throws {
        let first = try await opened()
        _ = try await control(first.job, .cancel)
        let second = try await opened()
        let before = try await summary(second.job)
        try await harness.advance(by: .seconds(31))
        let answer = try await join(first.job)
        try expectEqual(answer.result, .ended, "join of the first job while a second one is open")
        try expectEqual(answer.job?.id, first.job, "the job that is told")
        try expectEqual(try await summary(second.job), before, "the second job after a join of the first")
        let renewal = try await store.renewController(.init(job: second.job, epoch: 1, token: second.token))
        try expectEqual(renewal.result, .ok, "the second job's controller lease after a join of the first")
    }

    func joinRefusesAnotherConfiguration() async throws {
        let job = try await opened()
        try await harness.advance(by: .seconds(31))
        let before = try await summary(job.job)
        let answer = try await join(job.job, hash: "hash-2")
        try expectEqual(answer.result, .configMismatch, "join with another configuration")
        try expectEqual(answer.role, .follower, "role with another configuration")
        try expectEqual(answer.job?.config, ["model": hash], "the stored configuration")
        try expectEqual(try await summary(job.job), before, "the job is untouched")
    }

    func joinNeitherStartsNorUnpauses() async throws {
        let job = try await opened(start: false)
        let pending = try await join(job.job, token: job.token)
        try expectEqual(pending.result, .resumed, "join of a pending job")
        try expectEqual(pending.job?.status, .pending, "status of a pending job after a join")
        _ = try await control(job.job, .pause, reason: "why")
        let paused = try await join(job.job, token: job.token)
        try expectEqual(paused.result, .resumed, "join of a paused job")
        try expectEqual(paused.job?.status, .paused, "status of a paused job after a join")
        try expectEqual(paused.job?.reason, "why", "the reason")
    }

    func joinRefusesWrongInput() async throws {
        let job = try await opened()
        try await expectRejected("a token that is no UUID") { try await join(job.job, token: "me") }
    }

    // MARK: Servers

    func openStoresTheServers() async throws {
        var settings = JobSettings.usual
        settings.servers = JobServers(source: ["b:3306/d", "a:3306/d", "b:3306/d"], embedder: ["https://e/v1"])
        let first = try await open(settings: settings)
        try expectEqual(first.job.servers, settings.servers, "servers of a new job")
        try expectEqual(first.job.servers.source, ["a:3306/d", "b:3306/d"], "the source's servers, sorted, once each")
        try expectEqual(first.job.settings, .usual, "the settings are told without servers")
        settings.servers = JobServers(points: ["https://q"])
        let again = try await open(settings: settings)
        try expectEqual(again.job.servers, first.job.servers, "servers after an open of an open job")
        settings.servers = JobServers(points: [""])
        try await expectRejected("an empty server") { [settings] in try await open(settings: settings) }
        let other = try await open(target: target + "-without")
        try expectEqual(other.job.servers, JobServers(), "servers of a job that was opened without")
        _ = try await control(other.job.id, .cancel)
    }

    func addedServersAreAUnion() async throws {
        let job = try await opened()
        // An accented letter in two spellings, which are two names to a server, and order by bytes.
        let names = ["z", "Z", "é", "e\u{301}", "https://host:6333"]
        let first = try await addServers(job.job, JobServers(points: names))
        try expectEqual(first.result, .ok, "servers added")
        try expectEqual(first.servers, JobServers(points: names), "servers after the first")
        try expectEqual(first.servers?.points.count, 5, "names that differ in their bytes")
        let again = try await addServers(job.job, JobServers(points: names))
        try expectEqual(again, first, "I10: the same servers again")
        let more = try await addServers(job.job, JobServers(source: ["h:3306/d"], points: ["z", "a"]))
        let all = JobServers(source: ["h:3306/d"], points: names + ["a"])
        try expectEqual(more.servers, all, "servers after further ones")
        try expectEqual(try await addServers(job.job, JobServers()).servers, all, "servers after none")
        try expectEqual(try await summary(job.job).servers, all, "servers as the job tells them")
        _ = try await control(job.job, .cancel)
        let late = try await addServers(job.job, JobServers(embedder: ["e"]))
        try expectEqual(late.servers, all.union(JobServers(embedder: ["e"])), "servers of an ended job")
        let unknown = try await addServers(.max, JobServers(points: ["z"]))
        try expectEqual(unknown, .init(result: .notFound, servers: nil), "servers of no job")
        let kinds = try await together(6) { try await addServers(job.job, JobServers(points: ["at-once-\($0)"])) }
        try expectEqual(kinds.map(\.servers?.points.count).compactMap(\.self).max(), 12, "servers added at once")
    }

    func addedServersAreBounded() async throws {
        let job = try await opened()
        let twenty = JobServers(points: (1...JobServers.entriesMax).map { "p\($0)" })
        let longest = JobServers(source: [String(repeating: "ü", count: JobServers.lengthMax)])
        let most = try await addServers(job.job, twenty.union(longest))
        try expectEqual(most.servers, twenty.union(longest), "as many and as long as may be")
        try expectEqual(try await addServers(job.job, twenty).servers, most.servers, "the same when it is full")
        let wrong = [
            JobServers(points: ["one more"]), JobServers(points: [""]), JobServers(embedder: ["", "fit"]),
            JobServers(embedder: [String(repeating: "u", count: JobServers.lengthMax + 1)]),
            JobServers(source: (0...JobServers.entriesMax).map { "s\($0)" }),
        ]
        for servers in wrong {
            try await expectRejected("\(servers)") { try await addServers(job.job, servers) }
        }
        try expectEqual(try await summary(job.job).servers, twenty.union(longest), "servers after refused ones")
    }

    func jobsAreListedByCollection() async throws {
        let mine = target + "-collection"
        var jobs: [JobID] = []
        for number in 1...3 {
            jobs.append(try await open(target: "\(target)-\(number)", collection: mine).job.id)
        }
        let other = try await open(collection: mine + "-2").job.id
        _ = try await control(jobs[1], .cancel)
        let listed = { (filter: ListIngestionJobs.Filter) in
            try await store.jobs(ListIngestionJobs(job: nil, filter: filter, after: nil, limit: 100)).rows.map(\.id)
        }
        try expectEqual(try await listed(.init(collection: mine)), jobs.reversed(), "jobs into a collection")
        try expectEqual(
            try await listed(.init(open: true, collection: mine)),
            [jobs[2], jobs[0]],
            "open jobs into a collection"
        )
        try expectEqual(
            try await listed(.init(targetKey: "\(target)-1", collection: mine)),
            [jobs[0]],
            "jobs of a target into a collection"
        )
        try expectEqual(try await listed(.init(collection: mine + "-3")), [], "jobs into another collection")
        for job in jobs + [other] { _ = try await control(job, .cancel) }
    }
}
