import TextProcessing

/// Proves that nothing is missing: compares the source, the job and the collection, record by record.
package struct Verifier: Sendable {
    private static let page = 50
    private static let idsPage = 10_000

    private let ports: EnginePorts
    private let state: RunnerState
    private let plan: BatchWork.Plan
    private let repairs: Bool

    /// Makes a verifier.
    ///
    /// - Parameters:
    ///   - ports: the world; the embedder is used only for repairs.
    ///   - stop: ends the comparison early.
    ///   - plan: what shapes points.
    ///   - repairs: embeds and writes what is missing or stale, and deletes what is unexpected.
    package init(ports: EnginePorts, stop: StopSignal, plan: BatchWork.Plan, repairs: Bool) {
        self.ports = ports
        state = RunnerState(stop: stop)
        self.plan = plan
        self.repairs = repairs
    }

    /// Compares every planned record of a job.
    ///
    /// - Parameters:
    ///   - job: the job.
    ///   - progress: called after each page with the records compared so far.
    /// - Returns: everything that was found.
    /// - Throws: the service that could not be used.
    package func run(
        _ job: JobID,
        progress: @Sendable (Int) -> Void
    ) async throws(ServiceFailure) -> VerificationReport {
        let stats = try await store { store throws(PortFailure) in
            try await store.exactStats(GetIngestionJobStatsExact(job: job))
        }
        guard let summary = stats.job else {
            throw ServiceFailure(.store, PortFailure(.rejected, "there is no job \(job)"))
        }
        var report = VerificationReport(stats: stats)
        let later = summary.currentRound > 0 ? try await laterRounds(job) : [:]
        let isWhole = summary.config[JobConfiguration.limitKey] == nil
        var points = 0
        var compared = 0
        var cursor: RecordID?
        var after: Int?
        repeat {
            let call = ListIngestionBatches(
                job: job,
                filter: ListIngestionBatches.Filter(),
                after: after,
                limit: Self.page
            )
            let page = try await store { store throws(PortFailure) in try await store.batches(call) }
            for batch in page.rows {
                points += try await compare(batch, later, into: &report)
                compared += batch.recordIds.count
                progress(compared)
            }
            let planned = page.rows.filter { $0.round == 0 }.flatMap(\.recordIds)
            if isWhole, let last = planned.last {
                report.late += try await unplanned(after: cursor, through: last, besides: Set(planned))
                cursor = last
            }
            after = page.next
        } while after != nil
        report.failures = try await openFailures(job)
        report.strangers = max(
            0,
            try await call(.points) { () async throws(PortFailure) in
                try await ports.points.count(nil)
            } - points
        )
        if isWhole, let upper = summary.planUpper {
            report.late += try await unplanned(after: cursor, through: upper, besides: [])
        }
        return report
    }

    /// How many rows of a range, that the job would plan now, are not among those it has planned there.
    private func unplanned(
        after cursor: RecordID?,
        through upper: RecordID,
        besides planned: Set<RecordID>
    ) async throws(ServiceFailure) -> Int64 {
        var count: Int64 = 0
        var cursor = cursor
        while true {
            let from = cursor
            let ids = try await call(.source) { () async throws(PortFailure) in
                try await ports.source.ids(after: from, through: upper, limit: Self.idsPage)
            }
            count += Int64(ids.count { !planned.contains($0) })
            guard ids.count == Self.idsPage else { return count }
            cursor = ids.last
        }
    }

    /// The latest round of every record that was requeued.
    private func laterRounds(_ job: JobID) async throws(ServiceFailure) -> [RecordID: Int] {
        var rounds: [RecordID: Int] = [:]
        var after: Int?
        repeat {
            let call = ListIngestionBatches(job: job, filter: .init(), after: after, limit: 1000)
            let page = try await store { store throws(PortFailure) in try await store.batches(call) }
            for batch in page.rows where batch.round > 0 {
                for id in batch.recordIds { rounds[id] = max(batch.round, rounds[id] ?? 0) }
            }
            after = page.next
        } while after != nil
        return rounds
    }

    private func openFailures(_ job: JobID, batch: Int? = nil) async throws(ServiceFailure) -> [FailureSummary] {
        var failures: [FailureSummary] = []
        var after: RecordID?
        repeat {
            let filter = ListIngestionFailures.Filter(open: true, batchNumbers: batch.map { [$0] })
            let call = ListIngestionFailures(job: job, filter: filter, after: after, limit: 1000)
            let page = try await store { store throws(PortFailure) in try await store.failures(call) }
            failures += page.rows
            after = page.next
        } while after != nil
        return failures
    }

    /// Compares one batch.
    ///
    /// - Returns: how many points the collection holds for its records.
    private func compare(
        _ batch: BatchSummary,
        _ later: [RecordID: Int],
        into report: inout VerificationReport
    ) async throws(ServiceFailure) -> Int {
        let ids = batch.recordIds.filter { batch.round >= later[$0] ?? 0 }
        guard !ids.isEmpty else { return 0 }
        guard batch.status == .completed || batch.status == .failed else {
            report.open += ids.count
            return try await work(ids).counted()
        }
        var givenUp: Set<RecordID> = []
        if batch.counts.failed > 0, let job = report.stats.job {
            givenUp = Set(try await openFailures(job.id, batch: batch.batchNumber).map(\.recordId))
        }
        var points = 0
        for portion in try await portions(ids) {
            points += try await comparePortion(portion, givenUp, of: batch.batchNumber, into: &report)
        }
        return points
    }

    /// Compares records whose texts may be held at once.
    ///
    /// - Returns: how many points the collection holds for them, after the repair where there was one.
    private func comparePortion(
        _ ids: [RecordID],
        _ givenUp: Set<RecordID>,
        of batch: Int,
        into report: inout VerificationReport
    ) async throws(ServiceFailure) -> Int {
        let comparison = try await Comparison(of: ids, givenUp, batch: batch, work: work(ids), plan: plan)
        report.right += comparison.right
        report.blank += comparison.blank
        report.vanished += comparison.vanished
        guard repairs, !comparison.findings.isEmpty else {
            report.findings += comparison.findings
            return comparison.points
        }
        let unfit = try await repair(comparison)
        report.findings += comparison.findings.map { finding in
            var finding = finding
            finding.isRepaired = finding.kind == .unexpected || !unfit.contains(finding.record)
            return finding
        }
        return try await work(ids).counted()
    }

    /// Mends what was found.
    ///
    /// - Returns: the records that cannot be migrated any more, so that their points stay as they are.
    private func repair(_ comparison: Comparison) async throws(ServiceFailure) -> Set<RecordID> {
        var unfit: Set<RecordID> = []
        // A record can have two findings: points that are missing, and others that are stale.
        let ids = Set(comparison.findings.filter { $0.kind != .unexpected }.map(\.record)).sorted()
        if !ids.isEmpty {
            switch await work(ids).run() {
            case .completed(_, let failures): unfit = Set(failures.map(\.recordId))
            case let end: throw ServiceFailure(end)
            }
        }
        if !comparison.unexpected.isEmpty {
            try await call(.points) { () async throws(PortFailure) in
                try await ports.points.delete(comparison.unexpected)
            }
        }
        return unfit
    }

    private func portions(_ ids: [RecordID]) async throws(ServiceFailure) -> [[RecordID]] {
        do throws(WorkEnd) {
            return try await work(ids).portions()
        } catch {
            throw ServiceFailure(error)
        }
    }

    private func work(_ ids: [RecordID]) -> BatchWork {
        BatchWork(ports: ports, state: state, plan: plan, ids: ids, permit: FreePermit(interruption: state.stop))
    }

    private func call<Value: Sendable>(
        _ service: Service,
        _ operation: () async throws(PortFailure) -> Value
    ) async throws(ServiceFailure) -> Value {
        do throws(WorkEnd) {
            return try await work([0]).call(service, operation)
        } catch {
            throw ServiceFailure(error)
        }
    }

    private func store<Value: Sendable>(
        _ operation: (any JobStore) async throws(PortFailure) -> Value
    ) async throws(ServiceFailure) -> Value {
        let caller = StoreCaller(ports: ports, state: state)
        if let value = await caller.answer(within: .seconds(60), until: .release, operation) { return value }
        if case .fatal(let service, let failure) = state.reason { throw ServiceFailure(service, failure) }
        throw ServiceFailure(.store, PortFailure(.unavailable, "the job store did not answer for a minute"))
    }
}

extension BatchWork {
    /// How many points the collection holds for the records.
    fileprivate func counted() async throws(ServiceFailure) -> Int {
        do throws(WorkEnd) {
            return try await storedPoints(Array(ids.indices)).values.reduce(0) { $0 + $1.count }
        } catch {
            throw ServiceFailure(error)
        }
    }
}
