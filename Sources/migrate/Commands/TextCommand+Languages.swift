import ArgumentParser
import Terminal

extension TextCommand {
    struct Languages: ParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Shows the languages of sparse vectors, and their stop words.",
            discussion: """
                The values of SPARSE_LANGUAGE. For a language without a list in this program, SPARSE_STOP_WORDS has to \
                name one. With --json: {"languages":[{"name","stop_words"}]}, without `stop_words` for those.

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
