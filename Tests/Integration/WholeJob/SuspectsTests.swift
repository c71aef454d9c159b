import Fakes
import Foundation
import Migration
import Testing

@testable import Adapters

/// Texts that a server never answers, through the program itself, over HTTP, with the real waits.
@Suite(.needs(.mysql, .postgres, .qdrant, .vocabulary), .serialized, .timeLimit(.minutes(15)))
struct `Suspects` {
    @Test func `one text for each way in which a server fails becomes a dead letter, and nothing else suffers`()
        async throws
    {
        try await Stage.use(.libpq, records: 60, ["BATCH_SIZE": "20", "MAX_WORKERS": "3"]) { stage in
            // One text in eight or so, in all three languages: the number of the record stands in each.
            let troubles = Dictionary(
                uniqueKeysWithValues: zip(stride(from: 3, to: 60, by: 8).map { $0 }, Trouble.allCases)
            )
            stage.embedder.update { behaviour in
                behaviour.troubles = { text in
                    let number = text.split { !$0.isNumber }.first.flatMap { Int($0) }
                    return number.flatMap { troubles[$0] }
                }
            }
            try await stage.migrate("setup", "--yes")
            try await stage.migrate("run", "--yes", exit: 1, saying: ["53 processed", "7 failed"])
            let stats = try await stage.stats(job: 1)
            #expect(stats.processed == 53)
            #expect(stats.failedRecords == 7)
            #expect(stats.retries == 0)
            // Three texts of the embedder's own probe, and one answer for each text that has one, but for our probes.
            #expect(stage.embedder.totals.texts < 53 + 3 + 200)
            stage.embedder.update { $0.troubles = { _ in nil } }
            try await stage.migrate("retry", "--records", saying: ["7"])
            try await stage.migrate("run", "--resume", saying: ["60 processed"])
            try await stage.migrate("verify", saying: ["nothing is missing"])
        }
    }
}
