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
            otherwise; they require a key, and keep everything in memory until Ctrl-C. What they do not serve they \
            answer with 501; --table lists it for Qdrant. docs/fakes.md has examples for tests.

            With its key, each has GET and POST /__faults, GET /__stats and POST /__reset.

            EXAMPLES
              migrate-lab serve-fakes                      all three
              migrate-lab serve-fakes openai qdrant
              migrate-lab serve-fakes openai --port 8080 --key secret
              migrate-lab serve-fakes openai --tpm 40000 --fail 0.05:503 --latency 0.2
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

    @Option(name: .long, help: "Tokens per minute of the embedder's account; by default no limit.")
    var tpm: Int?

    @Option(name: .long, help: "Requests per minute of the embedder's account; by default no limit.")
    var rpm: Int?

    @Option(name: .long, help: "Median seconds until an answer begins.")
    var latency = 0.0

    @Option(name: .long, help: "Spread of the latency (log-normal), such as 0.5; 0 = always the median.")
    var latencySigma = 0.0

    @Option(
        name: .long,
        help: """
            A fault of every service as SHARE:FAULT, such as 0.05:503; FAULT is a status, close, hang, lost, truncate or \
            slow=SECONDS. Repeat it for more.
            """
    )
    var fail: [String] = []

    @Option(name: .long, help: "Each service closes the connection in place of every answer after so many.")
    var resetAfter: Int?

    @Option(name: .long, help: "Seed of the faults and of the latency.")
    var seed: UInt64 = 0

    @Flag(name: .long, help: "Create Qdrant's collections without strict mode; by default as in Qdrant Cloud.")
    var noStrictMode = false

    @Flag(name: .long, help: "Print one line of JSON with addresses and keys when all of them listen.")
    var json = false

    @Flag(name: .long, help: "Print which routes and members of Qdrant's interface are served, and end.")
    var table = false

    func validate() throws {
        guard (1...65_535).contains(dimensions) else { throw ValidationError("--dimensions must be from 1 to 65535") }
        if key?.isEmpty == true { throw ValidationError("--key must not be blank") }
        for (name, limit) in [("tpm", tpm), ("rpm", rpm), ("reset-after", resetAfter)] {
            if let limit, limit < 1 { throw ValidationError("--\(name) must be 1 or larger") }
        }
        guard (0...600).contains(latency) else { throw ValidationError("--latency must be from 0 to 600") }
        guard (0...5).contains(latencySigma) else { throw ValidationError("--latency-sigma must be from 0 to 5") }
        _ = try faults
    }

    /// The faults of `--fail` and `--reset-after`.
    private var faults: [ServedFault] {
        get throws {
            do throws(ServedFault.Malformed) {
                var faults: [ServedFault] = []
                for text in fail { faults.append(try ServedFault(text)) }
                if let resetAfter { faults.append(ServedFault(.close, every: resetAfter + 1)) }
                return faults
            } catch {
                throw ValidationError("--fail \(error)")
            }
        }
    }

    func run() async throws {
        let console = Console.standard
        guard !table else { return console.out(QdrantRoutes.document) }
        let wanted = kinds.isEmpty ? ServedFakes.Kind.allCases : kinds
        let time = Time(ContinuousClock())
        var behaviour = FakeOpenAI.Behaviour()
        behaviour.tokensPerMinute = tpm
        behaviour.requestsPerMinute = rpm
        let openAI = FakeOpenAI(dimensions: dimensions, time: time, behaviour: behaviour, effectsMax: 1_000_000)
        var trouble = ServedFakes.Trouble()
        trouble.faults = try faults
        trouble.latency = ServedLatency(median: .seconds(latency), sigma: latencySigma)
        trouble.seed = seed
        let store = { @Sendable in FakeSupabase(time: time, entropy: Chance()) }
        let fakes = ServedFakes(
            openAI: wanted.contains(.openai) ? openAI : nil,
            qdrant: wanted.contains(.qdrant) ? QdrantEngine(isStrict: !noStrictMode) : nil,
            supabase: wanted.contains(.supabase) ? store() : nil,
            address: bind,
            port: port,
            key: key,
            trouble: trouble,
            renewed: store
        )
        let stop = StopSignal()
        let serve = { @Sendable () async throws -> Void in
            let endpoints = try await fakes.start()
            if json {
                console.out(ServedFakes.Endpoint.json(endpoints))
            } else {
                let use = "paste these lines into the environment or `.env`. Ctrl-C ends them."
                console.out("# Stand-ins, in memory: \(use)")
                for (name, value) in endpoints.flatMap(\.environment) { console.out("\(name)=\(value)") }
            }
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
