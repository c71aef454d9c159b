import ArgumentParser
import Migration
import Terminal

struct RepairCountersCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "repair-counters",
        abstract: "Recounts a job's batches and corrects its counters.",
        discussion: """
            For a job whose tables were changed by hand with SQL: `migrate status` may then show processing batches \
            that no worker has, or no pending ones although some are. Says what was wrong; if nothing is wrong, \
            changes nothing. Runners may be at work meanwhile.

            EXAMPLES
              migrate repair-counters
              migrate repair-counters --job 7 --json
            """
    )

    @OptionGroup var which: JobOption
    @OptionGroup var settings: TrackingSettings

    func run() async throws {
        let wiring = try settings.wiring()
        let session = RepairSession(
            store: try await wiring.store(),
            lookup: wiring.lookup,
            console: .standard,
            isJSON: settings.common.json
        )
        try await session.run(which.job)
    }
}
