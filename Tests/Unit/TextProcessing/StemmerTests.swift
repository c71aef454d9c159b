import Foundation
import Testing

@testable import TextProcessing

@Suite("Stemmers")
struct StemmerTests {
    /// The languages with a file of words and their stems by Snowball 2.2, which reach every rule of the stemmer.
    static let languages = (Bundle.module.urls(forResourcesWithExtension: "tsv", subdirectory: "Golden/stems") ?? [])
        .compactMap { $0.deletingPathExtension?.lastPathComponent }
        .sorted()

    @Test func `every language has a file of words and stems`() {
        #expect(Self.languages == SparseEncoder.languages)
    }

    @Test(arguments: StemmerTests.languages)
    func `words have the stems that Snowball gives them`(language: String) throws {
        let stemmer = try #require(SparseLanguage.all.first { $0.name == language }).stemmer
        let file = try #require(
            Bundle.module.url(forResource: language, withExtension: "tsv", subdirectory: "Golden/stems")
        )
        let lines = try String(contentsOf: file, encoding: .utf8).split(separator: "\n")
        #expect(lines.count >= 20)
        for line in lines {
            let columns = line.split(separator: "\t", omittingEmptySubsequences: false).map(String.init)
            try #require(columns.count == 2)
            var word = [UInt32](scalars: columns[0])
            stemmer.stem(&word)
            #expect(word == [UInt32](scalars: columns[1]), "\(line)")
        }
    }
}
