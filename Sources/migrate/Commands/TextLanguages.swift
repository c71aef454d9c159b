import ArgumentParser
import TextProcessing

extension Text {
    struct Languages: ParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Shows the languages of sparse vectors, and their stop words.",
            discussion: """
                The values of SPARSE_LANGUAGE. Where no list may come with this program, SPARSE_STOP_WORDS has to name one. \
                With --json: {"languages":[{"name","stop_words"}]}, without `stop_words` for those.

                EXAMPLES
                  migrate text languages
                  migrate text languages --json
                """
        )

        @Flag(name: .long, help: "Print JSON for programs instead of text for people.")
        var json = false

        func run() throws {
            let report = LanguagesReport()
            Console.standard.out(json ? try JSONText.of(report) : report.text)
        }
    }
}

/// The answer of `migrate text languages`.
struct LanguagesReport: Encodable {
    struct Language: Encodable {
        let name: String
        let stopWords: [String]?
    }

    let languages = SparseEncoder.languages.map {
        Language(name: $0, stopWords: SparseEncoder.stopWords(of: $0))
    }

    var text: String {
        let rows = languages.map {
            [$0.name, $0.stopWords.map { "\($0.count)" } ?? "to be named in SPARSE_STOP_WORDS"]
        }
        return Table(header: ["LANGUAGE", "STOP WORDS"], rows: rows).text
    }
}
