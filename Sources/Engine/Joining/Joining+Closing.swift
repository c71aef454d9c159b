import Migration

/// Closing an unfinished job to make room for a new one: only if it is clear what is ended, and that a person wants it.
extension Joining {
    /// How long a job without visible workers is watched: longer than a worker needs between two batches.
    private static let watchTime = Duration.seconds(2)

    /// Asks, tells or refuses; nothing is changed yet.
    ///
    /// - Parameters:
    ///   - job: the unfinished job, as the store has just listed it.
    ///   - hasSaidNo: whether a person was asked about resuming it, and answered no.
    /// - Throws: why it is not closed.
    func agreeToClose(_ job: JobSummary, hasSaidNo: Bool) async throws(End) {
        let differences = order.configuration.differences(from: job.config)
        let isOther = job.configHash != order.configuration.hash
        let hasOtherCondition = differences.contains { $0.name == JobConfiguration.conditionKey }
        func decide(_ activity: JobActivity) -> Closing {
            Closing(
                isLive: activity.isLive,
                isOther: isOther,
                hasOtherCondition: hasOtherCondition,
                hasSaidNo: hasSaidNo,
                canAsk: order.canAsk,
                isForced: order.isForced
            )
        }
        var activity = try await activity(of: job)
        // Without a question no person sees the number of workers before the job is closed.
        if decide(activity) == .close, !order.canAsk { activity = try await watched(job, activity) }
        // Before the job is refused because of workers whose leases may have run out long ago.
        if activity.isLive, [.refused, .needsForce].contains(decide(activity)) {
            try await endExpiredLeases(of: job)
            let wasMoving = activity.isMoving
            activity = try await self.activity(of: job)
            activity.isMoving = wasMoving
        }
        let closing = Closed(job: job, activity: activity, differences: differences)
        switch decide(activity) {
        case .close: tell(.closing(closing))
        case .ask: if try await reply(to: .close(closing)) != .yes { throw .refused(.declined) }
        case .needsForce: throw .refused(.needsForce(closing))
        case .refused: throw .refused(.atWork(closing))
        }
    }

    /// Reads which workers process a job now.
    private func activity(of job: JobSummary) async throws(End) -> JobActivity {
        try await call(.store) { () async throws(PortFailure) in
            try await JobActivity.now(of: job, in: ports.store, journal: ports.journal)
        }
    }

    /// Reads again after a moment: a worker may have been between two batches, or the job is just being planned.
    private func watched(_ job: JobSummary, _ activity: JobActivity) async throws(End) -> JobActivity {
        guard job.status == .running else { return activity }
        let before = try await stats(of: job)
        await ports.time.sleep(for: Self.watchTime, unless: stop, reaches: .drain)
        var activity = try await self.activity(of: job)
        activity.isMoving = try await stats(of: job) != before
        return activity
    }

    private func stats(of job: JobSummary) async throws(End) -> JobStats {
        let get = GetIngestionJobStats(job: job.id)
        return try await call(.store) { () async throws(PortFailure) in try await ports.store.stats(get) }
    }

    /// Ends expired leases, as every runner always does: a worker that still holds a batch afterwards has a valid
    /// lease.
    private func endExpiredLeases(of job: JobSummary) async throws(End) {
        let reset = ResetStuckBatches(job: job.id, limit: 1_000, full: true)
        _ = try await call(.store) { () async throws(PortFailure) in try await ports.store.resetStuck(reset) }
    }
}
