import ArgumentParser
import Terminal

struct DemoCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "demo",
        abstract: "Shows the whole migration in one process: no server, no key, nothing is written to disk.",
        discussion: """
            The engine is the real one; MySQL, the tracking store, OpenAI and Qdrant are stand-ins in memory. Ends with a report \
            and one hybrid search over the result. `make demo` does it with real databases.

            EXAMPLES
              migrate demo
              migrate demo --records 200 --json
            """
    )

    @Option(name: .long, help: "Rows of sample text, in seven languages.")
    var records = 2_000

    @Flag(name: .long, help: "Print JSON for programs instead of text for people.")
    var json = false

    func validate() throws {
        guard (1...100_000).contains(records) else { throw ValidationError("--records must be from 1 to 100000") }
    }

    func run() async throws {
        try await DemoSession(console: .standard, isJSON: json).run(records: records)
    }
}
