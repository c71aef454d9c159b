import ArgumentParser
import Migration
import Terminal

struct ReleaseCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "release",
        abstract: "Takes batches from workers that hang, so that other workers get them.",
        discussion: """
            Rarely needed: a batch whose worker is gone comes back by itself, when its lease has run out. Every given condition \
            must hold. Asks first, and says which of the workers still report.

            A released batch may be claimed again at once and has used one retry; a batch with no retry left is given \
            up, and `migrate retry` opens it again. A worker that was alive after all learns that its batch is lost, \
            and leaves it; nothing is counted twice.

            EXAMPLES
              migrate release --older-than 10m
              migrate release --worker app-7           all workers of a host
              migrate release --worker app-7:4711/2 --yes
              migrate release --job 7 --batch 12 --batch 13
            """
    )

    @Option(name: .long, help: "Only batches of this worker (host:pid/number), runner (host:pid) or host.")
    var worker: String?

    @Option(name: .long, help: "Only batches claimed at least this long ago: 90s, 10m, 2h, 1d.")
    var olderThan: Age?

    @Option(name: .long, help: "Only this batch; may be repeated.")
    var batch: [Int] = []

    @Flag(name: .shortAndLong, help: "Answer yes to every question.")
    var yes = false

    @OptionGroup var which: JobOption
    @OptionGroup var settings: TrackingSettings

    func validate() throws {
        if worker == nil, olderThan == nil, batch.isEmpty {
            throw ValidationError("say which batches: --worker, --older-than or --batch")
        }
        if worker?.isEmpty == true { throw ValidationError("--worker must not be empty") }
        if let olderThan, olderThan.seconds > ReleaseIngestionBatches.ageMaxMs / 1_000 {
            throw ValidationError("--older-than must be at most ten years")
        }
    }

    func run() async throws {
        let wiring = try settings.wiring()
        let session = ReleaseSession(
            store: try await wiring.store(),
            lookup: wiring.lookup,
            console: .standard,
            isJSON: settings.common.json
        )
        let filter = ReleaseIngestionBatches.Filter(
            worker: worker,
            olderThanMs: olderThan.map { $0.seconds * 1_000 },
            batchNumbers: batch.isEmpty ? nil : batch
        )
        try await session.run(filter, of: which.job, isSure: yes)
    }
}
