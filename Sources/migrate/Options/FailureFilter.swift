import ArgumentParser
import Migration

extension FailureStage: ExpressibleByArgument {}

/// Selects failures.
struct FailureFilter: ParsableArguments {
    @Option(name: .long, help: "Only failures of this step: fetch, decode, chunk, embed, upsert or batch.")
    var stage: FailureStage?

    @Option(name: .long, help: "Only failures with this code, for example too_long.")
    var code: String?

    @Option(name: .long, help: "Only failures of this batch; may be repeated.")
    var batch: [Int] = []
}
