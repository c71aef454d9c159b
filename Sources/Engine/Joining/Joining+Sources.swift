import Migration
import TextProcessing

/// Checks whether this source may write into the collection next to the sources in it.
extension Joining {
    /// Unmarked points that are looked up in this source's table.
    private static let sampleMax = 20
    /// With fewer points nothing is concluded: rows may have been deleted since.
    private static let sampleMin = 3
    /// The number of newest jobs into the collection that are examined.
    private static let jobsMax = 200

    /// Finds out to whom the unmarked points of the collection belong.
    ///
    /// - Parameter job: the job that is joined, or nil for a new one.
    /// - Returns: the answer of the setting, an earlier job, the facts or a person.
    /// - Throws: `sameNamespace` if ids of points could collide with those of another source, `undecidedPoints` if it
    ///   is unknown whose the unmarked points are.
    func unmarkedPoints(of job: JobSummary?) async throws(End) -> UnmarkedPoints {
        if let job, let stored = job.config[UnmarkedPoints.configKey].flatMap(UnmarkedPoints.init) {
            guard let setting = order.unmarkedPoints, setting != stored else { return stored }
            let key = UnmarkedPoints.configKey
            let difference = JobConfiguration.Difference(name: key, stored: stored.rawValue, ours: setting.rawValue)
            throw .refused(.otherSettings(job, [difference]))
        }
        // The run that started this process has asked, and its answer is this setting.
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
        // Only if no job of this source can have written them.
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

    /// An equal record of another source with the same namespace would get the same point ids.
    private func checkNamespace(_ present: SourcesPresent, _ jobs: [JobSummary]) async throws(End) {
        for name in present.otherNames {
            let sample = try await call(.points) { () async throws(PortFailure) in
                try await ports.points.sample(of: name, Self.sampleMax)
            }
            if sample.contains(where: { $0.hasID(of: order.identity) }) { throw .refused(.sameNamespace(name)) }
        }
        if let open = try await openNeighbour(jobs) { throw .refused(.sameNamespace(open.table)) }
    }

    /// Points of others without a source may have the same ids too.
    private func checkNamespaceOfUnmarked() async throws(End) {
        let sample = try await call(.points) { () async throws(PortFailure) in
            try await ports.points.sample(of: nil, Self.sampleMax)
        }
        if sample.contains(where: { $0.hasID(of: order.identity) }) { throw .refused(.namespaceOfUnmarked) }
    }

    /// Ends the new job again if another source has started with the same namespace since the check.
    ///
    /// Each of the two opens its job before it checks, so at least one of them sees the other; both may.
    ///
    /// - Parameter job: this source's job; one that has planned something was there before.
    /// - Throws: `sameNamespace` when it has ended.
    func giveWay(_ job: JobSummary) async throws(End) {
        guard job.totalBatches == 0, let other = try await openNeighbour(jobsIntoCollection()) else { return }
        try await close(job, "\(other.table) has begun at the same time with the same namespace of point ids")
        throw .refused(.sameNamespace(other.table))
    }

    /// An open job of another source that derives the ids of its points in the same way, in the same collection.
    private func openNeighbour(_ jobs: [JobSummary]) async throws(End) -> JobSummary? {
        let namespace = order.configuration.values[JobConfiguration.namespaceKey]
        for job in jobs where job.targetKey != order.target && job.status.isOpen {
            guard job.config[JobConfiguration.namespaceKey] == namespace else { continue }
            if !isElsewhere(job) { return job }
            // Its address may be another name of the same server. If it had written here, its points would have been
            // found.
            let get = GetIngestionJobStats(job: job.id)
            let stats = try await call(.store) { () async throws(PortFailure) in try await ports.store.stats(get) }
            if stats.processed == 0 { return job }
        }
        return nil
    }

    /// Whether a job knows its collection's servers and none of them is this one: then it has another collection of the
    /// same name.
    private func isElsewhere(_ job: JobSummary) -> Bool {
        let known = job.servers.points
        return !known.isEmpty && !order.servers.points.isEmpty && Set(known).isDisjoint(with: order.servers.points)
    }

    /// Whether rows of this table have the ids and tenants of unmarked points; nil = too few to judge.
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

extension StoredPoint {
    /// Whether its id is the one that an identity derives from its record and place.
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
