import Foundation
import Migration
import Testing
import TextProcessing

@testable import Adapters
@testable import Fakes

/// Whole jobs of the built program with embeddings of servers that are not OpenAI.
@Suite(.needs(.mysql, .postgres, .qdrant, .vocabulary), .serialized, .timeLimit(.minutes(5)))
struct `Jobs with compatible embeddings servers` {
    /// How a server answers, and what it sends in place of one text's vector.
    struct Server: Sendable, CustomTestStringConvertible {
        let indices: Dialect.Indices
        let usage: Dialect.Usage
        let prefersNumbers: Bool
        let spoilt: String

        var testDescription: String { "index \(indices), usage \(usage), \(spoilt.prefix(12))" }

        /// Whether it says what was paid; else the program counts.
        var counts: Bool { usage == .whole || usage == .fractional }

        func rule(_ behaviour: inout FakeOpenAI.Behaviour) {
            behaviour.dialect.indices = indices
            behaviour.dialect.usage = usage
            behaviour.dialect.prefersNumbers = prefersNumbers
            behaviour.dialect.spoils = { [spoilt] in $0.contains("without a vector") ? spoilt : nil }
        }
    }

    private static func list(of element: String) -> String {
        "[\([String](repeating: element, count: 1_536).joined(separator: ","))]"
    }

    private static let servers = [
        Server(indices: .backwards, usage: .fractional, prefersNumbers: false, spoilt: "null"),
        Server(indices: .missing, usage: .missing, prefersNumbers: false, spoilt: "[]"),
        Server(indices: .null, usage: .null, prefersNumbers: true, spoilt: list(of: "NaN")),
        Server(indices: .zero, usage: .whole, prefersNumbers: true, spoilt: list(of: "0.0")),
    ]

    @Test(arguments: servers) func `place every vector, and lose only the record that got none`(server: Server)
        async throws
    {
        try await Stage.use(.libpq, records: 12, ["BATCH_SIZE": "20"]) { stage in
            try await stage.rows.run("INSERT INTO ip_summary VALUES (1, 'm', 'a text without a vector')")
            stage.embedder.update(server.rule)
            try await stage.migrate("setup", "--yes")
            let run = try await stage.migrate("run", "--yes", "--json", exit: 1)
            let stats = try await stage.stats(job: 1)
            #expect(stats.processed == 12 && stats.failedRecords == 1 && stats.failed == 0, "\(stats)")
            #expect(stats.retries == 0 && stats.defers == 0, "\(stats)")
            try await stage.migrate("failures", "--stage", "embed", "--code", "vector", saying: ["1 of 1 texts"])

            let points = try await Self.vectors(stage)
            #expect(points.count == 12)
            for (text, vector) in points {
                // One that stands in another's place is nearer to 0.
                let right = WordVectors(dimensions: 1_536).vector(of: text)
                let distance = zip(vector, right).map { abs($0 - $1) }.max() ?? 1
                #expect(distance < 0.001, "\(text): \(distance)")
            }
            // Halving a request of 13 finds one text in four steps, each of which pays for both halves. Three look at the server.
            let paid = stage.embedder.totals
            #expect(paid.texts >= 3 + 13 && paid.texts <= 3 + 13 + 13 + 7 + 4 + 2, "\(paid)")
            try Self.checkTokens(run, of: points.map(\.text), server)

            stage.embedder.update { $0.dialect = Dialect() }
            try await stage.migrate("retry", saying: ["1 record"])
            try await stage.migrate("run", "--resume", saying: ["13 processed", "0 failed"])
            #expect(stage.embedder.totals.texts - paid.texts == 3 + 1, "what is there is not paid for again")
            try await stage.migrate("verify", "--deep", saying: ["nothing is missing", "13 right"])
        }
    }

    @Test func `ride out a server that is not found for seconds`() async throws {
        let settings = ["BATCH_SIZE": "5", "MAX_WORKERS": "2", "MAX_RETRIES": "0"]
        try await Stage.use(.libpq, records: 60, settings) { stage in
            stage.embedder.update { $0.latency = .milliseconds(200) }
            try await stage.migrate("setup", "--yes")
            let ended = try await stage.migrate(["run", "--yes"]) { _ in
                try await stage.wait { try await stage.stats(job: 1).completed >= 2 }
                stage.embedder.update { $0.dialect.isGone = true }
                // Both workers have met it, and one a second time.
                try await stage.wait { stage.embedder.totals.refusals >= 3 }
                stage.embedder.update { behaviour in
                    behaviour.dialect.isGone = false
                    behaviour.latency = .zero
                }
            }
            let said = ended.out + ended.error
            #expect(ended.status == 0, "\(said)")
            for words in ["60 processed", "although it has answered before"] {
                #expect(said.contains(words), "\(words)? \(said)")
            }
            let stats = try await stage.stats(job: 1)
            #expect(stats.failedRecords == 0 && stats.failed == 0 && stats.retries == 0, "\(stats)")
            #expect(stage.embedder.totals.texts <= 3 + 60 + 3, "no text is paid for twice, but for looks at the server")
            try await stage.migrate("verify", saying: ["nothing is missing"])
        }
    }

    /// The children in the collection: each text with its vector.
    private static func vectors(_ stage: Stage) async throws -> [(text: String, vector: [Float])] {
        let body = #"{"limit": 1000, "with_vector": ["\#(CollectionSchema.denseName)"], "with_payload": ["text"]}"#
        let answer = try await stage.points().call(.post, "/points/scroll", Array(body.utf8))
        return try #require(answer["points"]?.array).compactMap { point in
            guard let vector = point["vector"]?[CollectionSchema.denseName]?.array,
                let text = point["payload"]?["text"]?.string
            else { return nil }
            return (text, vector.map { Float($0.double ?? .nan) })
        }
    }

    /// The report names what the server says that it took, or what the tokenizer counts; a fraction is rounded up.
    private static func checkTokens(_ run: Program.Result, of texts: [String], _ server: Server) throws {
        let last = try #require(run.out.split(separator: "\n").last)
        let summary = try JSONSerialization.jsonObject(with: Data(last.utf8)) as? [String: Any]
        let tokens = try #require(summary?["tokens"] as? Int)
        let path = try #require(TestEnvironment.vocabulary)
        let tokenizer = try Tokenizer(vocabulary: [UInt8](try Data(contentsOf: URL(filePath: path))))
        let counted = texts.map { server.counts ? max(1, $0.utf8.count / 4) : tokenizer.encode($0).count }.reduce(0, +)
        // Requests that gave vectors: the halves without the bad text.
        let roundedUp = server.usage == .fractional ? 1...6 : 0...0
        #expect(roundedUp.contains(tokens - counted), "\(tokens), counted \(counted)")
    }
}
