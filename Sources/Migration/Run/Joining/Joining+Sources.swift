import TextProcessing

/// Whether this source may write into the collection beside those that are there.
extension Joining {
    /// Unmarked points that are looked up in our table.
    private static let sampleMax = 20
    /// Fewer say nothing: rows may have been deleted since.
    private static let sampleMin = 3
    /// Jobs into the collection that are looked at; the newest ones.
    private static let jobsMax = 200

    /// To whom the unmarked points of the collection belong.
    ///
    /// - Parameter job: the job that is joined, or nil for a new one.
    /// - Returns: what the setting, an earlier job, the facts or a person say.
    /// - Throws: `sameNamespace` where ids of points could collide with those of another source, `undecidedPoints` where nobody
    ///   can say whose the unmarked points are.
    func unmarkedPoints(of job: JobSummary?) async throws(End) -> UnmarkedPoints {
        if let job, let stored = job.config[UnmarkedPoints.configKey].flatMap(UnmarkedPoints.init) {
            guard let setting = order.unmarkedPoints, setting != stored else { return stored }
            let key = UnmarkedPoints.configKey
            let difference = JobConfiguration.Difference(name: key, stored: stored.rawValue, ours: setting.rawValue)
            throw .refused(.otherSettings(job, [difference]))
        }
        // The run that has started this process has asked, and its answer is this setting.
        if order.isChild, let setting = order.unmarkedPoints { return setting }
        let present = try await call(.points) { () async throws(PortFailure) in
            try await ports.points.sources(besides: order.source)
        }
        let jobs = try await jobsIntoCollection()
        try await checkNamespace(present, jobs)
        var situation = UnmarkedPoints.Situation()
        situation.setting = order.unmarkedPoints
        situation.count = present.unmarked
        let ours = jobs.filter { $0.targetKey == order.target }
        let theirs = jobs.filter { $0.targetKey != order.target && !isElsewhere($0) }
        let known = ours.lazy.compactMap { $0.config[UnmarkedPoints.configKey] }.first
        situation.stored = known.flatMap(UnmarkedPoints.init)
        let claim = UnmarkedPoints.ours.rawValue
        situation.claimant = theirs.first { $0.config[UnmarkedPoints.configKey] == claim }?.table
        // A job that has planned nothing has no points.
        let others = Set(present.otherNames + theirs.filter { $0.totalRecords > 0 }.map(\.table)).subtracting([
            order.source
        ]).sorted()
        situation.others = others.isEmpty && present.others > 0 ? ["another source"] : others
        // Our own jobs of the version before, and nobody else's, have written them.
        if present.unmarked > 0, ours.isEmpty { situation.fitsOurTable = try await unmarkedPointsFit() }
        let decision = try await decide(situation)
        if decision == .foreign, present.unmarked > 0 { try await checkNamespaceOfUnmarked() }
        return decision
    }

    private func decide(_ situation: UnmarkedPoints.Situation) async throws(End) -> UnmarkedPoints {
        switch UnmarkedPoints.decide(situation) {
        case .decided(let decision): return decision
        case .taken(let table): throw .refused(.pointsTaken(by: table))
        case .undecided:
            switch try await reply(to: .unmarkedPoints(situation)) {
            case .yes: return .ours
            case .no: return .foreign
            case .nobody, .left: throw .refused(.undecidedPoints(situation))
            }
        }
    }

    private func jobsIntoCollection() async throws(End) -> [JobSummary] {
        let filter = ListIngestionJobs.Filter(collection: order.collection)
        let list = ListIngestionJobs(job: nil, filter: filter, after: nil, limit: Self.jobsMax)
        return try await call(.store) { () async throws(PortFailure) in try await ports.store.jobs(list) }.rows
    }

    /// Points of another source with our namespace have the ids that ours would get for an equal record.
    private func checkNamespace(_ present: SourcesPresent, _ jobs: [JobSummary]) async throws(End) {
        for name in present.otherNames {
            let sample = try await call(.points) { () async throws(PortFailure) in
                try await ports.points.sample(of: name, Self.sampleMax)
            }
            if sample.contains(where: { $0.hasID(of: order.identity) }) { throw .refused(.sameNamespace(name)) }
        }
        if let open = try await openNeighbour(jobs) { throw .refused(.sameNamespace(open.table)) }
    }

    /// Foreign points without a source may have the ids that ours would get, too.
    private func checkNamespaceOfUnmarked() async throws(End) {
        let sample = try await call(.points) { () async throws(PortFailure) in
            try await ports.points.sample(of: nil, Self.sampleMax)
        }
        if sample.contains(where: { $0.hasID(of: order.identity) }) { throw .refused(.namespaceOfUnmarked) }
    }

    /// Ends the new job again where another source has begun with the same namespace since we have looked.
    ///
    /// Each of the two opens its job before it looks, so at least one of them sees the other; both may.
    ///
    /// - Parameter job: ours; one that has planned something was there before.
    /// - Throws: `sameNamespace` when it has given way.
    func giveWay(_ job: JobSummary) async throws(End) {
        guard job.totalBatches == 0, let other = try await openNeighbour(jobsIntoCollection()) else { return }
        try await close(job, "\(other.table) has begun at the same time with the same namespace of point ids")
        throw .refused(.sameNamespace(other.table))
    }

    /// An open job of another source that makes the ids of its points as we do, in our collection.
    private func openNeighbour(_ jobs: [JobSummary]) async throws(End) -> JobSummary? {
        let namespace = order.configuration.values[JobConfiguration.namespaceKey]
        for job in jobs where job.targetKey != order.target && job.status.isOpen {
            guard job.config[JobConfiguration.namespaceKey] == namespace else { continue }
            if !isElsewhere(job) { return job }
            // Its address may be another name of ours. Points that it had written here would have been found.
            let get = GetIngestionJobStats(job: job.id)
            let stats = try await call(.store) { () async throws(PortFailure) in try await ports.store.stats(get) }
            if stats.processed == 0 { return job }
        }
        return nil
    }

    /// Whether a job knows its collection's servers, and ours is none of them: then it is another collection of the same name.
    private func isElsewhere(_ job: JobSummary) -> Bool {
        let known = job.servers.points
        return !known.isEmpty && !order.servers.points.isEmpty && Set(known).isDisjoint(with: order.servers.points)
    }

    /// Whether rows of our table have the ids and tenants of unmarked points; nil = too few to judge.
    private func unmarkedPointsFit() async throws(End) -> Bool? {
        let sample = try await call(.points) { () async throws(PortFailure) in
            try await ports.points.sample(of: nil, Self.sampleMax)
        }
        let tenants = Dictionary(sample.map { ($0.recordID, $0.memberCode) }) { first, _ in first }
        guard tenants.count >= Self.sampleMin else { return nil }
        let ids = tenants.keys.sorted()
        guard let rows = try await readable({ source throws(PortFailure) in try await source.records(ids) }) else {
            return nil
        }
        let fitting = rows.count { row in tenants[row.id].map { $0 == nil || $0 == row.memberCode } ?? false }
        return fitting * 2 >= tenants.count
    }
}

extension JobSummary {
    /// The source as the job's configuration names it: what its points carry.
    package var table: String { config["source"] ?? config["table"] ?? targetKey }
}

extension StoredPoint {
    /// Whether its id is the one that an identity gives to its record and place.
    func hasID(of identity: PointIdentity) -> Bool {
        guard let memberCode, let parentIndex else { return false }
        guard kind == .child else {
            return id == identity.parentID(memberCode: memberCode, recordID: recordID, parent: parentIndex)
        }
        guard let chunkIndex else { return false }
        return id
            == identity.childID(memberCode: memberCode, recordID: recordID, parent: parentIndex, chunk: chunkIndex)
    }
}
