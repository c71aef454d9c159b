import ArgumentParser
import Migration
import Terminal

struct PruneCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "prune",
        abstract: "Deletes the stored data of jobs that ended long ago.",
        discussion: """
            Covers all tables and collections in the store. Points and source rows are not touched: only tracking data \
            is deleted. Asks first, and shows what is deleted and how many rows that is. Jobs that ended longer ago \
            than --older-than are deleted; old jobs that stay lose their history. These stay, however old: open jobs; \
            the newest --keep jobs of each table and collection; and the newest job with information that later jobs \
            need: whose the points without a source are, and that a table has been migrated into a collection. What an \
            interrupted deletion, or a DELETE by hand, has left behind is deleted too.

            Each page takes a fraction of a second, so other work goes on; after an interruption the next prune \
            continues.

            EXAMPLES
              migrate prune --older-than 30d --dry-run
              migrate prune --older-than 12w --keep 10
              migrate prune --older-than 30d --yes --json    in scripts
            """
    )

    @Option(name: .long, help: "Minimum time since a job has ended: a number and s, m, h, d or w; at least 1h.")
    var olderThan: Age

    @Option(name: .long, help: "Number of jobs of each table and collection that stay, whatever their age.")
    var keep = 1

    @Flag(name: .long, help: "Only show what would be deleted.")
    var dryRun = false

    @Flag(name: .shortAndLong, help: "Answer yes to every question.")
    var yes = false

    @OptionGroup var settings: TrackingSettings

    /// After this time no process still works on the job.
    private static let shortest: Int64 = 3_600

    func validate() throws {
        if olderThan.seconds < Self.shortest { throw ValidationError("--older-than must be at least 1h") }
        if keep < 1 { throw ValidationError("--keep must be at least 1: later jobs need data of the newest one") }
    }

    func run() async throws {
        let session = RetentionSession(
            store: try await settings.wiring().store(),
            console: .standard,
            isJSON: settings.common.json
        )
        let retention = Retention(olderThan: .seconds(olderThan.seconds), keep: keep)
        try await session.prune(retention, isDryRun: dryRun, isSure: yes)
    }
}

struct DeleteCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "delete",
        abstract: "Deletes the stored data of one job that has ended.",
        discussion: """
            Deletes its batches, failures, history and counters; the points that it has written stay. Asks first, and \
            says what later jobs will not know any more. An open job is not deleted: end it with `migrate cancel`. \
            After an interruption the same command, or `migrate prune`, continues.

            EXAMPLES
              migrate delete --job 7
              migrate delete --job 7 --yes --json
            """
    )

    @Option(name: .long, help: "The job's number.")
    var job: JobID

    @Flag(name: .shortAndLong, help: "Answer yes to every question.")
    var yes = false

    @OptionGroup var settings: TrackingSettings

    func run() async throws {
        let session = RetentionSession(
            store: try await settings.wiring().store(),
            console: .standard,
            isJSON: settings.common.json
        )
        try await session.delete(job, isSure: yes)
    }
}
