import ArgumentParser
import Migration

/// Which job a command is about.
struct JobOption: ParsableArguments {
    @Option(name: .long, help: "The job's number; by default the newest job.")
    var job: JobID?

    /// The named job, or the newest one.
    ///
    /// - Throws: `CommandEnd` when there is none.
    func find(in store: any JobStore) async throws -> JobSummary { try await Self.find(job, in: store) }

    /// The job of that number, or the newest one for nil.
    static func find(_ job: JobID?, in store: any JobStore) async throws -> JobSummary {
        let call = ListIngestionJobs(job: job, filter: .init(), after: nil, limit: 1)
        let answer = try await patiently { () async throws(PortFailure) in try await store.jobs(call) }
        if let found = answer.rows.first { return found }
        throw CommandEnd(
            .incomplete,
            job.map { "there is no job \($0)" } ?? "there is no job yet; `migrate run` makes one"
        )
    }
}

/// Calls again, a few times, what may be repeated: every call of the store may.
func patiently<Value>(
    tries: Int = 4,
    pause: Duration = .seconds(1),
    _ call: () async throws(PortFailure) -> Value
) async throws -> Value {
    var left = tries
    while true {
        do {
            return try await call()
        } catch {
            left -= 1
            switch error.kind {
            case .unavailable, .outcomeUnknown:
                if left == 0 { throw error }
                try await Task.sleep(for: pause)
            case .throttled(let retryAfter):
                if left == 0 { throw error }
                try await Task.sleep(for: retryAfter ?? pause)
            case .rejected, .unauthorised, .outOfMoney, .cancelled: throw error
            }
        }
    }
}
