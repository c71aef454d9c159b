import Engine
import Migration
import Terminal

/// `migrate pause`, `resume` and `cancel` with any store.
struct ControlSession: Sendable {
    let store: any JobStore
    let journal: any LeaseJournal
    let lookup: JobLookup
    let console: Console
    let isJSON: Bool

    /// Prints which job it is, asks if that is wanted, and acts.
    ///
    /// - Throws: `CommandEnd` when there is no such job, a person answers no, or the job's status does not allow it any
    ///   more.
    func apply(
        _ action: ControlIngestionJob.Action,
        to number: JobID?,
        reason: String?,
        asks: Bool
    ) async throws {
        let job = try await lookup.find(number, in: store).announced(on: console, isJSON: isJSON).job
        if asks, job.status.isOpen { try await confirm(job) }
        let call = ControlIngestionJob(job: job.id, action: action, reason: reason)
        let answer = try await patiently { () async throws(PortFailure) in try await store.control(call) }
        let status = answer.status?.rawValue ?? "gone"
        let report = ControlReport(job: job.id, target: job.targetKey, result: answer.result, status: answer.status)
        switch answer.result {
        case .applied: console.out(isJSON ? try JSONText.of(report) : "Job \(job.id) is \(status).")
        case .unchanged: console.out(isJSON ? try JSONText.of(report) : "Job \(job.id) was \(status) already.")
        case .refused:
            throw CommandEnd(.incomplete, "job \(job.id) is \(status): it cannot \(action.rawValue) any more")
        case .notFound: throw CommandEnd(.incomplete, "there is no job \(job.id)")
        }
    }

    private func confirm(_ job: JobSummary) async throws {
        let activity = try await patiently { () async throws(PortFailure) in
            try await JobActivity.now(of: job, in: store, journal: journal)
        }
        let state = "\(job.status.rawValue), \(activity.briefly)"
        try await (isJSON ? console.aside : console).confirm(
            "Cancel job \(job.id) of \(job.targetKey) (\(state)) for good?",
            isSure: false,
            default: false
        )
    }
}
