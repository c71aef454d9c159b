import Foundation
import ServedFakes
import Testing

@Suite struct `The page of the stand-ins` {
    @Test func `has the table that the program prints`() throws {
        let root = URL(filePath: #filePath).appending(path: "../../../..").standardizedFileURL
        let page = try String(contentsOf: root.appending(path: "docs/fakes.md"), encoding: .utf8)
        let parts = page.split(separator: "<!-- table -->\n\n", maxSplits: 1)
            .flatMap { $0.split(separator: "\n<!-- end of table -->", maxSplits: 1) }.map(String.init)
        #expect(parts.count == 3)
        #expect(parts.dropFirst().first == QdrantRoutes.document, "write it anew: migrate-lab serve-fakes --table")
    }
}
