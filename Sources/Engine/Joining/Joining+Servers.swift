package import Migration

/// Checks whether the job has worked with the servers of this process.
extension Joining {
    /// Looks for evidence of the job's work, then for servers that it has never used; nothing is changed.
    ///
    /// - Throws: `noEvidence` if the collection or the source has nothing of the job, which no answer overrides;
    ///   `endedMeanwhile` if the job is not open any more; `otherServers` if no person has said that a server has moved.
    func checkServers(of job: JobSummary) async throws(End) {
        guard !order.isChild else { return }
        let evidence = try await evidence(of: job)
        if evidence.lacksPoints || evidence.lacksRecords {
            // A job that has taken its place meanwhile may have removed these points, with the rows that are gone.
            guard try await isOpen(job) else { throw .refused(.endedMeanwhile(job.id)) }
            throw .refused(.noEvidence(job, evidence, order.servers))
        }
        let moved = order.servers.moved(from: job.servers)
        if !job.servers.union(order.servers).fits { throw .refused(.tooManyServers(job)) }
        if !moved.isEmpty { try await admit(moved, job, evidence) }
    }

    private func isOpen(_ job: JobSummary) async throws(End) -> Bool {
        let list = ListIngestionJobs(job: job.id, filter: .init(), after: nil, limit: 1)
        let found = try await call(.store) { () async throws(PortFailure) in try await ports.store.jobs(list) }
        return found.rows.first?.status.isOpen ?? false
    }

    /// Stores the servers of this process with the job, after all questions.
    func noteServers(of job: JobSummary) async throws(End) {
        guard !order.isChild, !job.servers.contains(order.servers) else { return }
        let call = AddIngestionServers(job: job.id, servers: order.servers)
        _ = try await self.call(.store) { () async throws(PortFailure) in try await ports.store.addServers(call) }
    }

    /// Two servers may both have a table `database.table`: the last job of the target shows which of them it has read.
    ///
    /// - Returns: the servers that a new job is to store, including the sources of the last job, so that each source is
    ///   asked about once: hosts may use different names of one source and open jobs in turn.
    func serversOfNewJob(after last: JobSummary?) async throws(End) -> JobServers {
        guard let last else { return order.servers }
        let ours = JobServers(source: order.servers.source)
        let moved = ours.moved(from: last.servers)
        if !moved.isEmpty { try await admit(moved, last, nil) }
        let known = JobServers(source: last.servers.source).subtracting(ours).source
        return order.servers.union(JobServers(source: Array(known.prefix(JobServers.entriesMax - ours.source.count))))
    }

    private func admit(_ moved: JobServers, _ job: JobSummary, _ evidence: JobEvidence?) async throws(End) {
        if order.serversMoved { return tell(.serversMoved(job, moved)) }
        guard try await reply(to: .serversMoved(job, moved, evidence)) == .yes else {
            throw .refused(.otherServers(job, moved))
        }
    }

    private func evidence(of job: JobSummary) async throws(End) -> JobEvidence {
        var evidence = JobEvidence()
        let sampled = try await batches(of: job, .init(batchNumbers: JobEvidence.sample(of: job.totalBatches)))
        var written = sampled.filter { $0.status == .completed && $0.counts.processed > 0 }
        if written.isEmpty, job.totalBatches > sampled.count {
            written = try await batches(of: job, .init(status: .completed)).filter { $0.counts.processed > 0 }
        }
        // At first a part of each batch. It may contain only blank and failed records, so points count as missing only
        // after all records were looked up.
        for recordsMax in [JobEvidence.recordsMax, Int.max] where evidence.batchesWithPoints == 0 && !written.isEmpty {
            let ids = Set(written.flatMap { $0.recordIds.prefix(recordsMax) }).sorted()
            let records = try await recordsWithPoints(ids)
            evidence.batches = written.count
            evidence.batchesWithPoints = written.count { !records.isDisjoint(with: $0.recordIds) }
        }
        let idsEach = (JobEvidence.idsMax + sampled.count - 1) / max(sampled.count, 1)
        let ids = Set(sampled.flatMap { JobEvidence.sample($0.recordIds, idsEach) }).sorted()
        guard ids.count >= JobEvidence.idsMin else { return evidence }
        guard let rows = try await readable({ source throws(PortFailure) in try await source.records(ids) }) else {
            return evidence
        }
        evidence.ids = ids.count
        evidence.idsFound = rows.count
        if evidence.lacksRecords {
            // All rows may be new, and the source a lagging replica.
            await ports.time.sleep(for: SecondLook.gap, unless: stop, reaches: .drain)
            let again = try await readable { source throws(PortFailure) in try await source.records(ids) }
            evidence.idsFound = again?.count ?? ids.count
        }
        return evidence
    }

    /// The records that have a point in this collection.
    private func recordsWithPoints(_ ids: [RecordID]) async throws(End) -> Set<RecordID> {
        let owner = PointOwner(source: order.source, ownsUnmarked: true)
        for start in stride(from: 0, to: ids.count, by: JobEvidence.callMax) {
            let part = Array(ids[start..<min(start + JobEvidence.callMax, ids.count)])
            let found = try await call(.points) { () async throws(PortFailure) in
                try await ports.points.points(of: part, owner: owner)
            }
            if !found.isEmpty { return Set(found.map(\.recordID)) }
        }
        return []
    }

    private func batches(
        of job: JobSummary,
        _ filter: ListIngestionBatches.Filter
    ) async throws(End) -> [BatchSummary] {
        if job.totalBatches == 0 { return [] }
        let list = ListIngestionBatches(job: job.id, filter: filter, after: nil, limit: JobEvidence.batchesMax)
        return try await call(.store) { () async throws(PortFailure) in try await ports.store.batches(list) }.rows
    }
}

extension JobServers {
    /// The servers that a job has never used, of kinds for which it knows servers; jobs of older versions know none.
    package func moved(from known: JobServers) -> JobServers {
        let new = subtracting(known)
        return JobServers(
            source: known.source.isEmpty ? [] : new.source,
            points: known.points.isEmpty ? [] : new.points,
            embedder: known.embedder.isEmpty ? [] : new.embedder
        )
    }
}
