import ArgumentParser
import Migration
import Terminal

struct FailuresCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "failures",
        abstract: "Lists the records that could not be migrated, and why.",
        discussion: """
            Never shows a record's text. With --json one failure per line.

            EXAMPLES
              migrate failures
              migrate failures --stage embed --json
              migrate retry                          try them again
            """
    )

    @OptionGroup var which: JobOption
    @OptionGroup var filter: FailureFilter

    @Flag(name: .long, help: "Also those that were given another try since.")
    var all = false

    @OptionGroup var settings: TrackingSettings

    func run() async throws {
        let wiring = try settings.wiring()
        let session = FailuresSession(
            store: try await wiring.store(),
            lookup: wiring.lookup,
            console: .standard,
            isJSON: settings.common.json
        )
        let wanted = ListIngestionFailures.Filter(
            open: all ? nil : true,
            stage: filter.stage,
            code: filter.code,
            batchNumbers: filter.batch.isEmpty ? nil : filter.batch
        )
        try await session.show(wanted, of: which.job)
    }
}

struct RetryCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "retry",
        abstract: "Gives failed batches and records another try.",
        discussion: """
            Failed batches are opened again, and the failed records of completed batches become new batches of the same job. \
            Then `migrate run` works on them.

            EXAMPLES
              migrate retry
              migrate retry --stage embed
              migrate retry --records --code too_long
              migrate retry --batches --isolate   each record of a failed batch by itself
            """
    )

    @OptionGroup var which: JobOption
    @OptionGroup var filter: FailureFilter

    @Option(name: .long, help: "Only this record; may be repeated.")
    var record: [RecordID] = []

    @Flag(name: .long, help: "Only batches that failed as a whole.")
    var batches = false

    @Flag(name: .long, help: "Only failed records of completed batches.")
    var records = false

    @Flag(name: .long, help: "Make each record of a failed batch a batch of its own.")
    var isolate = false

    @OptionGroup var settings: TrackingSettings

    func validate() throws {
        if batches, records { throw ValidationError("--batches and --records exclude each other; neither means both") }
        if records, isolate { throw ValidationError("--isolate divides failed batches, which --records leaves out") }
    }

    func run() async throws {
        let wiring = try settings.wiring()
        let session = RetrySession(
            store: try await wiring.store(),
            lookup: wiring.lookup,
            console: .standard,
            isJSON: settings.common.json,
            entropy: Wiring.entropy
        )
        let wanted = RequeueFilter(
            batchNumbers: filter.batch.isEmpty ? nil : filter.batch,
            recordIds: record.isEmpty ? nil : record,
            stage: filter.stage,
            code: filter.code
        )
        let parts: [RetryPart] = batches ? [.batches] : records ? [.records] : RetryPart.allCases
        try await session.run(wanted, parts, isolates: isolate, of: which.job)
    }
}
