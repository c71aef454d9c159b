/// Does everything but embed and write, and says what a run would do.
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
    private let state: RunnerState
    private let plan: BatchWork.Plan
    private let paging: PlanPaging

    package init(ports: EnginePorts, stop: StopSignal, plan: BatchWork.Plan, paging: PlanPaging) {
        self.ports = ports
        state = RunnerState(stop: stop)
        self.plan = plan
        self.paging = paging
    }

    /// Goes over the records in batches.
    ///
    /// - Parameter progress: called after each batch.
    /// - Returns: what a run would do.
    /// - Throws: the service that could not be used.
    package func run(progress: @Sendable (Report) -> Void) async throws(ServiceFailure) -> Report {
        var report = Report()
        do throws(WorkEnd) {
            let work = batchWork([0])
            guard
                let upper = try await work.call(
                    .source,
                    { () async throws(PortFailure) in
                        try await ports.source.highestID()
                    }
                )
            else { return report }
            var cursor: RecordID?
            while true {
                let size = paging.pageSize(planned: Int64(report.records))
                let from = cursor
                let page =
                    size == 0
                    ? []
                    : try await work.call(.source) { () async throws(PortFailure) in
                        try await ports.source.ids(after: from, through: upper, limit: size)
                    }
                guard let last = page.last else { return report }
                for batch in paging.batches(page) {
                    for portion in try await batchWork(batch).portions() { try await preview(portion, into: &report) }
                    progress(report)
                }
                cursor = last
            }
        } catch {
            throw ServiceFailure(error)
        }
    }

    private func preview(_ ids: [RecordID], into report: inout Report) async throws(WorkEnd) {
        let work = batchWork(ids)
        let rows = try await work.call(.source) { () async throws(PortFailure) in try await ports.source.records(ids) }
        let stored = try await work.storedPoints(Array(ids.indices))
        report.records += ids.count
        report.missing += ids.count - rows.count
        let read = Set(rows.map(\.id))
        for id in ids where !read.contains(id) { report.deletes += plan.removable(stored[id] ?? []).count }
        var wanted: [ChunkToEmbed] = []
        for (place, row) in rows.enumerated() {
            switch plan.shaper.shape(row) {
            case .blank:
                report.skipped += 1
                report.deletes += plan.removable(stored[row.id] ?? []).count
            case .failed(let failure): report.failed.append(failure)
            case .points(let points):
                switch RecordVersion.compare(
                    expected: points.pointIDs,
                    checksum: points.checksum,
                    profile: plan.shaper.profile,
                    found: stored[row.id] ?? []
                ) {
                case .unchanged: report.unchanged += 1
                case .outlived(let stale):
                    report.unchanged += 1
                    report.deletes += stale.count
                case .replaced(let stale, let there):
                    report.points += points.pointIDs.count - there.count
                    report.deletes += stale.count
                    for (index, child) in points.children.enumerated() where !there.contains(child.id) {
                        wanted.append(
                            ChunkToEmbed(
                                record: place,
                                chunk: index,
                                tokens: child.tokens,
                                bytes: child.text.utf8.count
                            )
                        )
                    }
                }
            }
        }
        let requests = EmbeddingRequest.pack(wanted, limits: plan.limits)
        report.requests += requests.count
        report.tokens += requests.reduce(0) { $0 + $1.tokens }
    }

    private func batchWork(_ ids: [RecordID]) -> BatchWork {
        BatchWork(ports: ports, state: state, plan: plan, ids: ids, permit: FreePermit(interruption: state.stop))
    }
}
