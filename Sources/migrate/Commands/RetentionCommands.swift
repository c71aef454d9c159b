import ArgumentParser
import Migration
import Terminal

struct PruneCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "prune",
        abstract: "Deletes what is stored of jobs that ended long ago.",
        discussion: """
            Of all tables and collections in the store. Points and rows are not touched: it is only about what the store \
            remembers. Asks first, and names what goes and how many rows that is. Jobs that ended longer ago than \
            --older-than are deleted, and the history of those that stay. What stays, however old: open jobs; the newest \
            --keep jobs of each table and collection; and the newest job that tells something which later jobs need: \
            whose the points without a source are, and that a table has been migrated into a collection. What an \
            interrupted deletion, or a DELETE by hand, has left behind goes, too.

            It works in pages of a fraction of a second, beside any other work; interrupted, the next prune goes on.

            EXAMPLES
              migrate prune --older-than 30d --dry-run
              migrate prune --older-than 12w --keep 10
              migrate prune --older-than 30d --yes --json    in scripts
            """
    )

    @Option(name: .long, help: "How long ago a job must have ended: a number and s, m, h, d or w; 1h at least.")
    var olderThan: Age

    @Option(name: .long, help: "How many jobs of each table and collection stay, whatever their age.")
    var keep = 1

    @Flag(name: .long, help: "Only say what would go.")
    var dryRun = false

    @Flag(name: .shortAndLong, help: "Answer yes to every question.")
    var yes = false

    @OptionGroup var settings: TrackingSettings

    /// What a process may still be doing to a job is over then.
    private static let shortest: Int64 = 3_600

    func validate() throws {
        if olderThan.seconds < Self.shortest { throw ValidationError("--older-than must be at least 1h") }
        if keep < 1 { throw ValidationError("--keep must be at least 1: later jobs need what the newest one tells") }
    }

    func run() async throws {
        let session = RetentionSession(
            store: try settings.wiring().store(),
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
        abstract: "Deletes what is stored of one job that has ended.",
        discussion: """
            Its batches, failures, history and counters; the points that it has written stay. Asks first, and says what \
            later jobs will not know any more. An open job is not deleted: `migrate cancel` ends it. Interrupted, the \
            same command, or `migrate prune`, goes on.

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
            store: try settings.wiring().store(),
            console: .standard,
            isJSON: settings.common.json
        )
        try await session.delete(job, isSure: yes)
    }
}
