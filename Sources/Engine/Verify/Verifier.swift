package import Migration
import TextProcessing

/// Proves that nothing is missing: compares the source, the job and the collection, record by record.
package struct Verifier: Sendable {
    private static let page = 50

    let ports: EnginePorts
    let state: RunnerState
    private let plan: BatchWork.Plan
    private let repairs: Bool
    private let isDeep: Bool
    private let brake: VerifyBrake
    let survey: Survey

    /// Makes a verifier.
    ///
    /// - Parameters:
    ///   - ports: the ports; the embedder is used only for repairs.
    ///   - stop: ends the comparison early.
    ///   - plan: the values that shape points.
    ///   - isDeep: whether to read and compare the stored texts too.
    ///   - repairs: whether to embed and write missing and stale points and delete unexpected ones, as a run does.
    ///   - brakes: how many records may lose their points, counted over the verification.
    package init(
        ports: EnginePorts,
        stop: StopSignal,
        plan: BatchWork.Plan,
        isDeep: Bool = false,
        repairs: Bool,
        brakes: BrakeLimits = BrakeLimits()
    ) {
        brake = VerifyBrake(brakes)
        self.ports = ports
        state = RunnerState(stop: stop)
        self.plan = plan
        self.isDeep = isDeep
        self.repairs = repairs
        let permit = FreePermit(interruption: stop, brake: brake)
        survey = Survey(caller: WorkCaller(ports: ports, state: state, plan: plan, permit: permit))
    }

    /// Compares every planned record of a job.
    ///
    /// If a service fails after the first batch was compared, the comparison waits until it is back or the stop signal
    /// is raised.
    ///
    /// - Parameters:
    ///   - job: the job.
    ///   - earlier: the progress of an earlier comparison, to continue it.
    ///   - note: called from time to time with the progress of this one.
    ///   - progress: called after each batch with the records compared so far.
    /// - Returns: all findings.
    /// - Throws: the service that could not be used.
    package func run(
        _ job: JobID,
        from earlier: VerifyProgress? = nil,
        note: @Sendable (VerifyProgress) -> Void = { _ in },
        progress: @Sendable (Int) -> Void
    ) async throws(ServiceFailure) -> VerificationReport {
        let stats = try await exactStats(job)
        guard let summary = stats.job else {
            throw ServiceFailure(.store, PortFailure(.rejected, "there is no job \(job)"))
        }
        var position = earlier ?? VerifyProgress()
        var step = Step(report: VerificationReport(stats: stats))
        step.report.isDeep = isDeep
        position.restore(&step, at: ports.time.now)
        let later = summary.currentRound > 0 ? try await laterRounds(job) : [:]
        let isWhole = summary.config[JobConfiguration.limitKey] == nil
        repeat {
            let call = ListIngestionBatches(
                job: job,
                filter: ListIngestionBatches.Filter(),
                after: position.after,
                limit: Self.page
            )
            let page = try await ridingOut(position.compared > 0) { () async throws(ServiceFailure) in
                try await store { store throws(PortFailure) in try await store.batches(call) }
            }
            for batch in page.rows {
                try checkStop()
                step = try await ridingOut(position.compared > 0) { () async throws(ServiceFailure) in
                    try await compared(batch, later, step)
                }
                position.compared += batch.recordIds.count
                brake.compared(batch.recordIds.count)
                progress(position.compared)
            }
            let planned = page.rows.filter { $0.round == 0 }.flatMap(\.recordIds)
            if isWhole, let last = planned.last {
                let cursor = position.cursor
                step.report.late += try await ridingOut(true) { () async throws(ServiceFailure) in
                    try await unplanned(after: cursor, through: last, besides: Set(planned))
                }
                position.cursor = last
            }
            position.after = page.next
            if page.next != nil { note(position.keeping(step)) }
        } while position.after != nil
        step = try await ridingOut(true) { () async throws(ServiceFailure) in
            var step = step
            step.points += try await settle(&step.doubts, into: &step.report)
            return step
        }
        return try await finish(step, position, summary, isWhole: isWhole)
    }

    /// The contribution of one batch to a comparison.
    private func compared(
        _ batch: BatchSummary,
        _ later: [RecordID: Int],
        _ step: Step
    ) async throws(ServiceFailure) -> Step {
        var step = step
        step.points += try await compare(batch, later, &step.doubts, into: &step.report)
        if step.doubts.count >= Doubts.most {
            step.points += try await settle(&step.doubts, into: &step.report)
        }
        return step
    }

    /// Checks the job as a whole, after every batch was compared.
    private func finish(
        _ step: Step,
        _ position: VerifyProgress,
        _ summary: JobSummary,
        isWhole: Bool
    ) async throws(ServiceFailure) -> VerificationReport {
        var report = step.report
        report.findings.sort { ($0.batch, $0.record, $0.kind) < ($1.batch, $1.record, $1.kind) }
        report.failures = try await ridingOut(true) { () async throws(ServiceFailure) in
            try await openFailures(summary.id)
        }
        if !report.isPlanned || report.stats.pending + report.stats.processing > 0 {
            report.stats = try await ridingOut(true) { () async throws(ServiceFailure) in
                try await exactStats(summary.id)
            }
        }
        let all = try await ridingOut(true) { () async throws(ServiceFailure) in
            try await call(.points) { () async throws(PortFailure) in
                try await ports.points.count(nil, owner: plan.owner)
            }
        }
        report.strangers = max(0, all - step.points)
        if isWhole, let upper = summary.planUpper {
            let rest = try await ridingOut(true) { () async throws(ServiceFailure) in
                try await unplanned(after: position.cursor, through: upper, besides: [])
            }
            if summary.sealed { report.late += rest } else { report.unplanned = rest }
        }
        return report
    }

    private func exactStats(_ job: JobID) async throws(ServiceFailure) -> JobStats {
        try await store { store throws(PortFailure) in
            try await store.exactStats(GetIngestionJobStatsExact(job: job))
        }
    }

    /// Compares one batch.
    ///
    /// - Returns: how many points the collection holds for its records.
    private func compare(
        _ batch: BatchSummary,
        _ later: [RecordID: Int],
        _ doubts: inout Doubts,
        into report: inout VerificationReport
    ) async throws(ServiceFailure) -> Int {
        let ids = batch.recordIds.filter { batch.round >= later[$0] ?? 0 }
        guard !ids.isEmpty else { return 0 }
        guard batch.status == .completed || batch.status == .failed else {
            report.open += ids.count
            return try await counted(ids)
        }
        var givenUp: Set<RecordID> = []
        if batch.counts.failed > 0, let job = report.stats.job {
            givenUp = Set(try await openFailures(job.id, batch: batch.batchNumber).map(\.recordId))
        }
        let subjects = ids.map {
            Comparison.Subject(record: $0, batch: batch.batchNumber, isGivenUp: givenUp.contains($0))
        }
        return try await compare(subjects, .first, &doubts, into: &report)
    }

    /// Compares records.
    ///
    /// - Returns: how many points the collection holds for them, after the repair if there was one; the points of
    ///   doubtful records are counted at the second look.
    func compare(
        _ subjects: [Comparison.Subject],
        _ look: BatchStateMachine.Look,
        _ doubts: inout Doubts,
        into report: inout VerificationReport
    ) async throws(ServiceFailure) -> Int {
        var byID: [RecordID: Comparison.Subject] = [:]
        for subject in subjects { byID[subject.record] = subject }
        var points = 0
        for portion in try await portions(subjects.map(\.record)) {
            let comparison = try await Comparison(
                of: portion.compactMap { byID[$0] },
                look,
                isDeep: isDeep,
                survey: survey
            )
            doubts.add(comparison.doubtful, readAt: ports.time.now)
            points += try await note(comparison, of: portion, into: &report)
        }
        return points
    }

    private func note(
        _ comparison: Comparison,
        of ids: [RecordID],
        into report: inout VerificationReport
    ) async throws(ServiceFailure) -> Int {
        report.right += comparison.right
        report.blank += comparison.blank
        report.vanished += comparison.vanished
        report.kept += comparison.kept
        guard repairs, !comparison.findings.isEmpty else {
            report.findings += comparison.findings
            return comparison.points
        }
        let unfit = try await repair(comparison)
        report.findings += comparison.findings.map { finding in
            var finding = finding
            finding.isRepaired = !unfit.contains(finding.record)
            return finding
        }
        let doubtful = Set(comparison.doubtful.map(\.record))
        let settled = ids.filter { !doubtful.contains($0) }
        return settled.isEmpty ? 0 : try await counted(settled)
    }

    /// Repairs the findings as a run does: with its second look, its order of writes and deletions, and its brake.
    ///
    /// - Returns: the records that cannot be migrated any more, so that their points stay as they are.
    private func repair(_ comparison: Comparison) async throws(ServiceFailure) -> Set<RecordID> {
        // A record can have two findings: points that are missing, and others that are stale.
        let ids = Set(comparison.findings.map(\.record)).sorted()
        let work = BatchWork(
            ports: ports,
            state: state,
            plan: plan,
            ids: ids,
            permit: FreePermit(interruption: state.stop, brake: brake),
            distrusted: comparison.distrusted
        )
        switch await work.run() {
        case .success(let done): return Set(done.failures.map(\.recordId))
        case .failure(let end): throw ServiceFailure(end)
        }
    }

    private func portions(_ ids: [RecordID]) async throws(ServiceFailure) -> [[RecordID]] {
        do throws(WorkEnd) {
            return try await survey.portions(ids)
        } catch {
            throw ServiceFailure(error)
        }
    }

    /// How many points the collection holds for the records.
    private func counted(_ ids: [RecordID]) async throws(ServiceFailure) -> Int {
        do throws(WorkEnd) {
            return try await survey.points(of: ids).values.reduce(0) { $0 + $1.count }
        } catch {
            throw ServiceFailure(error)
        }
    }

    func call<Value: Sendable>(
        _ service: Service,
        _ operation: () async throws(PortFailure) -> Value
    ) async throws(ServiceFailure) -> Value {
        do throws(WorkEnd) {
            return try await survey.caller.call(service, operation)
        } catch {
            throw ServiceFailure(error)
        }
    }

    func store<Value: Sendable>(
        _ operation: (any JobStore) async throws(PortFailure) -> Value
    ) async throws(ServiceFailure) -> Value {
        let caller = StoreCaller(ports: ports, state: state)
        if let value = await caller.answer(within: .seconds(60), until: .release, operation) { return value }
        if case .fatal(let service, let failure) = state.reason { throw ServiceFailure(service, failure) }
        throw ServiceFailure(.store, PortFailure(.unavailable, "the job store did not answer for a minute"))
    }
}
