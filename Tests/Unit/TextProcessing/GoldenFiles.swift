import Foundation
import Testing
import TextProcessing

/// The cases of one file in `Golden`, one JSON object a line.
func goldenCases<Case: Decodable>(_ name: String, as type: Case.Type = Case.self) throws -> [Case] {
    let file = try #require(Bundle.module.url(forResource: name, withExtension: "jsonl", subdirectory: "Golden"))
    let decoder = JSONDecoder()
    decoder.keyDecodingStrategy = .convertFromSnakeCase
    return try Data(contentsOf: file).split(separator: UInt8(ascii: "\n"))
        .map { try decoder.decode(type, from: $0) }
}

/// The published vocabulary, where the test run has it: it is not part of the repository.
enum TestVocabulary {
    static let variable = "MIGRATE_TEST_VOCABULARY"

    /// Whether tests that need it run: also when it is missing but required, so that they fail.
    static var isWanted: Bool {
        let environment = ProcessInfo.processInfo.environment
        return environment[variable] != nil || environment["MIGRATE_TEST_REQUIRE"] == "1"
    }

    static let tokenizer = Result { try Tokenizer(vocabulary: bytes()) }

    static func bytes() throws -> [UInt8] {
        let path = try #require(
            ProcessInfo.processInfo.environment[variable],
            "\(variable) names no file cl100k_base.tiktoken"
        )
        return try [UInt8](Data(contentsOf: URL(filePath: path)))
    }
}
