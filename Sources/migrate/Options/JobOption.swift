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
