import ArgumentParser
import Terminal

/// The program: parses the command line, runs one command, and turns every error into a sentence and an exit code.
@main
struct Migrate: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "migrate",
        abstract: "Moves text rows from MySQL to Qdrant with OpenAI embeddings, and cannot lose a record.",
        discussion: """
            Progress is kept in PostgreSQL, Supabase or one file: kill it whenever you like, and `migrate run` goes on from \
            there.

            EXAMPLES
              migrate demo                 see it work now: no server, no key
              migrate check                are all four services reachable, is access allowed?
              migrate setup                create the tracking tables and the collection
              migrate plan                 how much, how long, at what cost
              migrate run                  migrate, or go on with an unfinished job
              migrate verify               prove that nothing is missing

            Settings come from flags, the environment and `.env`, in that order; `migrate settings` shows them. Each \
            setting except the secrets has a flag of the same name, such as --batch-size; --help-hidden lists them.

            EXIT CODES
               0  complete
               1  finished with failed records or batches, cancelled, or paused by itself
              64  wrong usage
              69  a service is unavailable
              75  stopped, or another job is at work: run again later
              77  refused by a service: key, grants, money, room
              78  bad settings
             130  a question had no answer (Ctrl-C, Ctrl-D); it counts as no
            """,
        version: "migrate \(Build.version)",
        groupedSubcommands: [
            CommandGroup(
                name: "First",
                subcommands: [DemoCommand.self, CheckCommand.self, SetupCommand.self, PlanCommand.self]
            ),
            CommandGroup(
                name: "Job",
                subcommands: [
                    RunCommand.self, WorkerCommand.self, PauseCommand.self, ResumeCommand.self, CancelCommand.self,
                ]
            ),
            CommandGroup(
                name: "Report",
                subcommands: [
                    StatusCommand.self, JobsCommand.self, EventsCommand.self, FailuresCommand.self, RetryCommand.self,
                    VerifyCommand.self, SearchCommand.self, QuotaCommand.self,
                ]
            ),
            CommandGroup(name: "Repair", subcommands: [ReleaseCommand.self, RepairCountersCommand.self]),
            CommandGroup(name: "Store", subcommands: [PruneCommand.self, DeleteCommand.self, CacheCommand.self]),
            CommandGroup(
                name: "Other",
                subcommands: [
                    SettingsCommand.self, TextCommand.self, SimulateMovedCommand.self, ServeFakesMovedCommand.self,
                ]
            ),
        ]
    )

    static func main() async { await runAndExit(as: "migrate") }
}
