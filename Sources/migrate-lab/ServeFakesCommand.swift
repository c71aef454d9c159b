import ArgumentParser
import Fakes
import Migration
import ServedFakes
import Terminal

extension ServedFakes.Kind: ExpressibleByArgument {}

struct ServeFakesCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "serve-fakes",
        abstract: "Serves stand-ins for OpenAI, Qdrant and Supabase over HTTP, for experiments.",
        discussion: """
            Prints the settings for them, ready to be pasted. They listen on 127.0.0.1 only, unless --bind says \
            otherwise; they require a key, and keep everything in memory until Ctrl-C.

            EXAMPLES
              migrate-lab serve-fakes                      all three
              migrate-lab serve-fakes openai qdrant
              migrate-lab serve-fakes openai --port 8080 --key secret
            """
    )

    @Argument(help: "Which ones: openai, qdrant, supabase; by default all.")
    var kinds: [ServedFakes.Kind] = []

    @Option(name: .long, help: "IPv4 address to listen on; 0.0.0.0 lets other hosts in.")
    var bind = "127.0.0.1"

    @Option(name: .long, help: "Port of the first one, the others follow; by default any free ones.")
    var port: UInt16 = 0

    @Option(name: .long, help: "Key of all stand-ins; by default each gets a random one.")
    var key: String?

    @Option(name: .long, help: "Length of the vectors that the embedder gives.")
    var dimensions = 1_536

    func validate() throws {
        guard (1...65_535).contains(dimensions) else { throw ValidationError("--dimensions must be from 1 to 65535") }
        if key?.isEmpty == true { throw ValidationError("--key must not be blank") }
    }

    func run() async throws {
        let console = Console.standard
        let wanted = kinds.isEmpty ? ServedFakes.Kind.allCases : kinds
        let time = Time(ContinuousClock())
        let fakes = ServedFakes(
            openAI: wanted.contains(.openai) ? FakeOpenAI(dimensions: dimensions, time: time) : nil,
            qdrant: wanted.contains(.qdrant) ? QdrantEngine() : nil,
            supabase: wanted.contains(.supabase) ? FakeSupabase(time: time, entropy: Chance()) : nil,
            address: bind,
            port: port,
            key: key
        )
        let stop = StopSignal()
        let serve = { @Sendable () async throws -> Void in
            let endpoints = try await fakes.start()
            console.out("# Stand-ins, in memory: paste these lines into the environment or `.env`. Ctrl-C ends them.")
            for (name, value) in endpoints.flatMap(\.environment) { console.out("\(name)=\(value)") }
            await stop.wait(for: .drain)
            await fakes.stop()
        }
        try await withSignals(raising: stop, announces: { _ in "Stopping." }, console: console, running: serve)
    }
}

/// The operating system's random numbers, for the jitter of the tracking store's backoffs.
private struct Chance: Entropy {
    func next() -> UInt64 {
        var generator = SystemRandomNumberGenerator()
        return generator.next()
    }
}
