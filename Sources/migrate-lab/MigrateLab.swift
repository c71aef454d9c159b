import ArgumentParser
import Terminal

/// The program for testers: the simulation and the served fakes, which have no place in production.
@main
struct MigrateLab: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "migrate-lab",
        abstract:
            "Tests `migrate` and what works with it: whole migrations in virtual time, and stand-ins for the services.",
        discussion: """
            EXAMPLES
              migrate-lab simulate --seeds 1000        whole migrations under faults
              migrate-lab serve-fakes openai qdrant    stand-ins over HTTP

            EXIT CODES
               0  all was well
               1  an invariant is broken, or a floor is missed
              64  wrong usage
            """,
        version: "migrate-lab \(Build.version)",
        subcommands: [SimulateCommand.self, ServeFakesCommand.self]
    )

    static func main() async { await runAndExit(as: "migrate-lab") }
}
