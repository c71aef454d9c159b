package import Migration
package import TextProcessing

/// Works on a list of records, portion by portion: read, cut, look up, embed, write.
///
/// It does not know claims: the permit says whether it may go on, and the caller reports how it ended.
package struct BatchWork: Sendable {
    /// The values that shape points and requests; the same for every batch of a job.
    package struct Plan: Sendable {
        package let shaper: RecordShaper
        /// The owner of the points that are written, read and replaced.
        package var owner: PointOwner
        package let limits: RequestLimits
        /// Points per write, few enough for one request, so that permission to write is checked before every request
        /// (I20).
        package let pointsPerWrite: Int
        package let quota: QuotaGate
        /// The collection's schema, to tell a refused point apart from a wrong collection.
        package let schema: CollectionSchema
        /// Bytes of text that are worked on at the same time.
        ///
        /// It limits the memory of a batch, whatever its texts are. An ordinary batch of 100 records needs a twentieth
        /// of it.
        package let portionBytesMax: Int
        /// When something that fails while other things succeed is given up.
        package let suspicion: Suspicions.Policy
        /// Dollars per million tokens, to account for what was paid.
        package let pricePerMillion: Double

        package init(
            shaper: RecordShaper,
            owner: PointOwner,
            limits: RequestLimits,
            pointsPerWrite: Int,
            quota: QuotaGate,
            schema: CollectionSchema,
            portionBytesMax: Int = 4 << 20,
            suspicion: Suspicions.Policy = Suspicions.Policy(),
            pricePerMillion: Double = 0
        ) {
            self.pricePerMillion = pricePerMillion
            self.suspicion = suspicion
            self.portionBytesMax = portionBytesMax
            self.shaper = shaper
            self.owner = owner
            self.limits = limits
            self.pointsPerWrite = pointsPerWrite
            self.quota = quota
            self.schema = schema
        }

        /// The limits of one request, including limits that were learned since.
        var limitsInForce: RequestLimits { limits.sharing(tokensPerMinute: quota.limits.tokensPerMinute) }
    }

    let caller: WorkCaller
    private let ids: [RecordID]
    private let distrusted: Set<PointID>
    private let triesSuspects: Bool

    /// Makes a piece of work.
    ///
    /// - Parameters:
    ///   - ports: the ports to use.
    ///   - state: the runner's state.
    ///   - plan: the values that shape points and requests.
    ///   - ids: the records.
    ///   - permit: the permission to work.
    ///   - distrusted: points that look right but are wrong: they are written again.
    ///   - triesSuspects: whether everything except suspects is done.
    package init(
        ports: EnginePorts,
        state: RunnerState,
        plan: Plan,
        ids: [RecordID],
        permit: any WorkPermit,
        distrusted: Set<PointID> = [],
        triesSuspects: Bool = false
    ) {
        caller = WorkCaller(ports: ports, state: state, plan: plan, permit: permit)
        self.ids = ids
        self.distrusted = distrusted
        self.triesSuspects = triesSuspects
    }

    /// Works until every record is accounted for or the work has to stop.
    ///
    /// What was written stays written: the next attempt finds it and pays for nothing twice. Suspects wait until
    /// everything else is done, and are then tried in rounds; each round reads the remaining records again.
    package func run() async -> Result<WorkDone, WorkEnd> {
        do {
            var tally = Tally()
            try await round(ids, triesSuspects: triesSuspects, into: &tally)
            var hasTried = false
            while !tally.left.isEmpty {
                let left = tally.left
                tally.left = []
                try await restUntilDue(left, hasTried: hasTried)
                hasTried = true
                try await round(left, triesSuspects: true, into: &tally)
            }
            // If these records are tried again later, nothing is known about them.
            caller.state.withSuspicions { if !$0.isEmpty { $0.forget(ids) } }
            return .success(WorkDone(counts: tally.counts, failures: tally.failures))
        } catch {
            return .failure(error)
        }
    }

    /// Reads every record, and records without a text a second time.
    private func round(_ ids: [RecordID], triesSuspects: Bool, into tally: inout Tally) async throws(WorkEnd) {
        let survey = Survey(caller: caller, distrusted: distrusted, triesSuspects: triesSuspects)
        try await work(on: ids, .first, survey, into: &tally)
        let doubtful = tally.doubtful
        tally.doubtful = []
        try await lookAgain(at: doubtful, survey, into: &tally)
    }

    func work(
        on ids: [RecordID],
        _ look: BatchStateMachine.Look,
        _ survey: Survey,
        into tally: inout Tally
    ) async throws(WorkEnd) {
        for part in try await survey.portions(ids) {
            var portion = Portion(part, look, seen: tally.seen, survey: survey)
            try await portion.run(after: tally.counts)
            tally.add(portion)
        }
    }

    /// Waits until one of the remaining records has something to try.
    ///
    /// It waits within the batch only while there is nothing else to do: the rest of the batch is done, so giving it
    /// back costs one more read of it. But a worker that waits half a minute per try would be many times slower on a
    /// table with one such text in a hundred.
    ///
    /// After suspects were tried just now, it waits at least a few seconds: the suspect may wait for something else,
    /// such as a text for its row.
    private func restUntilDue(_ left: [RecordID], hasTried: Bool) async throws(WorkEnd) {
        let (time, state, permit) = (caller.ports.time, caller.state, caller.permit)
        let policy = caller.plan.suspicion
        let now = time.now
        let due = state.withSuspicions { $0.wait(for: left, at: now, policy) }
        let wait = max(due, hasTried ? policy.rest / 6 : .zero)
        guard wait > .zero else { return }
        if permit.canBeDeferred, wait > permit.waitMax || !state.hasNothingElse(at: now) {
            throw .suspects(after: wait, by: .embedder, .suspects(left.count))
        }
        permit.addWait(wait)
        await time.sleep(for: wait, unless: permit.interruption, reaches: .release)
        try caller.checkpoint()
        // Woken early, for any reason: otherwise one round would follow the other without a wait.
        if time.now < now + wait / 2 { throw .interrupted }
    }
}

extension BatchError {
    fileprivate static func suspects(_ records: Int) -> BatchError {
        BatchError(
            code: "suspects",
            message: "all but \(records) records are done; these still fail and are tried again later"
        )
    }
}
