import ArgumentParser
import Migration
import Terminal

struct RepairCountersCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "repair-counters",
        abstract: "Makes a job's counters what a recount of its batches says.",
        discussion: """
            For a job whose tables somebody has changed with SQL: `migrate status` then shows batches at work that are not, \
            or none that wait. Says what was wrong; changes nothing where nothing is. Runners may be at work meanwhile.

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
            store: try wiring.store(),
            lookup: wiring.lookup,
            console: .standard,
            isJSON: settings.common.json
        )
        try await session.run(which.job)
    }
}
