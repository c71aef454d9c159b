package import Migration

/// Does everything except embedding and writing, and reports what a run would do.
package struct DryRun: Sendable {
    /// What a run over the same records would do.
    package struct Report: Sendable, Equatable {
        package var records = 0
        package var unchanged = 0
        package var skipped = 0
        package var failed: [FailedRecord] = []
        /// Records that vanished between listing and reading.
        package var missing = 0
        /// Points that would be written.
        package var points = 0
        /// Older points that would be deleted.
        package var deletes = 0
        /// Tokens that would be embedded.
        package var tokens = 0
        /// Embedding requests that would be sent.
        package var requests = 0
    }

    private let ports: EnginePorts
    private let plan: BatchWork.Plan
    private let paging: PlanPaging
    private let survey: Survey

    package init(ports: EnginePorts, stop: StopSignal, plan: BatchWork.Plan, paging: PlanPaging) {
        self.ports = ports
        self.plan = plan
        self.paging = paging
        let permit = FreePermit(interruption: stop)
        survey = Survey(
            caller: WorkCaller(ports: ports, state: RunnerState(stop: stop), plan: plan, permit: permit)
        )
    }

    /// Processes the records in batches.
    ///
    /// - Parameter progress: called after each batch.
    /// - Returns: what a run would do.
    /// - Throws: the service that could not be used.
    package func run(progress: @Sendable (Report) -> Void) async throws(ServiceFailure) -> Report {
        var report = Report()
        do throws(WorkEnd) {
            let highest = try await survey.caller.call(.source) { () async throws(PortFailure) in
                try await ports.source.highestID()
            }
            guard let upper = highest else { return report }
            var cursor: RecordID?
            while true {
                let size = paging.pageSize(planned: Int64(report.records))
                if size == 0 { return report }
                let from = cursor
                let page = try await survey.caller.call(.source) { () async throws(PortFailure) in
                    try await ports.source.ids(after: from, through: upper, limit: size)
                }
                guard let last = page.last else { return report }
                for batch in paging.batches(page) {
                    for portion in try await survey.portions(batch) { try await preview(portion, into: &report) }
                    progress(report)
                }
                cursor = last
            }
        } catch {
            throw ServiceFailure(error)
        }
    }

    private func preview(_ ids: [RecordID], into report: inout Report) async throws(WorkEnd) {
        let rows = try await survey.read(ids).rows
        let stored = try await survey.points(of: ids)
        report.records += ids.count
        var wanted: [ChunkToEmbed] = []
        for (place, row) in rows.enumerated() {
            let found = stored[ids[place]] ?? []
            switch row {
            case .unreadable: throw .unreadable(ids[place])
            case .missing:
                report.missing += 1
                report.deletes += survey.removable(found).count
            case .blank:
                report.skipped += 1
                report.deletes += survey.removable(found).count
            case .failed(let failure): report.failed.append(failure)
            case .points(let points):
                let version = survey.version(of: points, among: found)
                report.deletes += version.stale.count
                guard case .replaced(_, let there) = version else {
                    report.unchanged += 1
                    continue
                }
                report.points += points.pointIDs.count - there.count
                for (index, child) in points.children.enumerated() where !there.contains(child.id) {
                    wanted.append(
                        ChunkToEmbed(record: place, chunk: index, tokens: child.tokens, bytes: child.text.utf8.count)
                    )
                }
            }
        }
        let requests = EmbeddingRequest.pack(wanted, limits: plan.limits)
        report.requests += requests.count
        report.tokens += requests.reduce(0) { $0 + $1.tokens }
    }
}
