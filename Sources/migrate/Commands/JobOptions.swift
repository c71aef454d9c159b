import ArgumentParser
import Migration

/// Which job a command is about.
struct JobOption: ParsableArguments {
    @Option(
        name: .long,
        help: "The job's number; by default the newest job of the table and collection in the settings."
    )
    var job: JobID?

    /// The named job, or the newest one of these settings, after saying which it is.
    ///
    /// - Throws: `CommandEnd` when there is none, or nobody can know which is meant.
    func find(by wiring: Wiring, in store: any JobStore, console: Console, isJSON: Bool) async throws -> JobSummary {
        try await wiring.lookup.find(job, in: store).announced(on: console, isJSON: isJSON).job
    }

    /// The job of that number, or the newest one where all are of one table and collection.
    static func find(_ job: JobID?, in store: any JobStore) async throws -> JobSummary {
        try await JobLookup(target: nil).find(job, in: store).job
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
            case .unavailable, .outcomeUnknown, .unclassified:
                if left == 0 { throw error }
                try await Task.sleep(for: pause)
            case .throttled(let retryAfter):
                if left == 0 { throw error }
                // Somebody may be waiting for the command, so no server keeps it for longer.
                try await Task.sleep(for: min(max(retryAfter ?? pause, .zero), .seconds(60)))
            case .rejected, .unauthorised, .outOfMoney, .full, .cancelled: throw error
            }
        }
    }
}
