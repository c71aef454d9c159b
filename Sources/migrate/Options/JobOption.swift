import ArgumentParser
import Migration

/// Selects a job.
struct JobOption: ParsableArguments {
    @Option(
        name: .long,
        help: "The job's number; by default the newest job of the table and collection in the settings."
    )
    var job: JobID?
}
