import Terminal
import TextProcessing

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
