import ArgumentParser
import Fakes
import Foundation

struct Simulate: ParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Runs whole migrations in virtual time, under faults, each from a seed.",
        discussion: """
            The engine is the real one; hosts, clocks, network and the four services are simulated in one thread, so that \
            a seed repeats everything. Ends with 1 when an invariant of docs/tracking.md is broken, and shows how to see \
            that again. docs/simulation.md says how to read it.

            EXAMPLES
              migrate simulate                       1,000 seeds
              migrate simulate --seeds 100000 --seed 7000
              migrate simulate --scenario races --seed 91 --seeds 1 --trace
              migrate simulate --bug leavesWhenIdle
            """
    )

    @Option(name: .long, help: "How many seeds.")
    var seeds = 1_000

    @Option(name: .long, help: "The first seed.")
    var seed: UInt64 = 0

    @Option(name: .long, help: "Which kind of run: \(Scenario.all.map(\.name).joined(separator: ", ")).")
    var scenario = Scenario.swarm.name

    @Option(
        name: .long,
        help: "Plant a mistake that must be found: \(Scenario.Bug.all.map(\.name).joined(separator: ", "))."
    )
    var bug: String?

    @Option(name: .long, help: "Threads; by default one for each processor.")
    var threads: Int?

    @Flag(name: .long, help: "Run each seed twice, and compare.")
    var twice = false

    @Flag(name: .long, help: "Print the hash of each seed, to compare two hosts or builds.")
    var hashes = false

    @Flag(name: .long, help: "Print every event of the run; for a single seed.")
    var trace = false

    @Flag(name: .long, help: "Print JSON for programs instead of text for people.")
    var json = false

    func validate() throws {
        guard seeds > 0 else { throw ValidationError("--seeds must be at least 1") }
        if let threads, !(1...256).contains(threads) { throw ValidationError("--threads must be from 1 to 256") }
        _ = try chosen
    }

    private var chosen: (scenario: Scenario, bug: Scenario.Bug?) {
        get throws {
            guard let found = Scenario.all.first(where: { $0.name == scenario }) else {
                throw ValidationError(
                    "there is no scenario \(scenario): \(Scenario.all.map(\.name).joined(separator: ", "))"
                )
            }
            guard let bug else { return (found, nil) }
            guard let planted = Scenario.Bug.all.first(where: { $0.name == bug }) else {
                throw ValidationError("there is no bug \(bug): \(Scenario.Bug.all.map(\.name).joined(separator: ", "))")
            }
            return (found, planted)
        }
    }

    func run() throws {
        let (scenario, bug) = try chosen
        let console = Console.standard
        if let problem = SeedHunt.selfTest() { throw CommandEnd(.incomplete, "this build cannot simulate: \(problem)") }
        let start = ContinuousClock.now
        var hunt = SeedHunt(
            scenario: scenario,
            first: seed,
            count: seeds,
            threads: threads ?? ProcessInfo.processInfo.activeProcessorCount
        )
        hunt.bug = bug
        hunt.isDouble = twice
        let step = max(1, seeds / 20)
        let report = hunt.run { done in
            if console.isTerminal, done.isMultiple(of: step) { console.error("\(done) of \(seeds) seeds") }
        }
        let document = SimulationReport(report, scenario: scenario, bug: bug, took: ContinuousClock.now - start)
        if json {
            console.out(try JSONText.of(document))
        } else {
            if trace || !report.failures.isEmpty { try show(scenario, report, console) }
            if hashes { for line in document.hashes { console.out(line) } }
            console.out(document.text)
        }
        if !document.isGood { throw CommandEnd(.incomplete) }
    }

    /// The events of the first failure, or of the only seed.
    private func show(_ scenario: Scenario, _ report: SeedHunt.Report, _ console: Console) throws {
        let seed = report.failures.first?.seed ?? self.seed
        let again = try scenario.run(seed: seed, bug: chosen.bug, isTraced: true)
        let lines = trace ? again.trace : Array(again.trace.suffix(40))
        for line in lines { console.out(line) }
    }
}

/// The answer of `migrate simulate`.
struct SimulationReport: Encodable {
    struct Failure: Encodable {
        let seed: UInt64
        let hash: String
        let finding: String
        let faults: String
        let steps: Int
        let virtualSeconds: Double
        /// The command that shows it again.
        let replay: String
    }

    struct Counter: Encodable {
        let event: String
        let count: Int
        let floor: Int?
    }

    let scenario: String
    let bug: String?
    let seeds: Int
    let seedsPerSecond: Double
    let stepsPerSeed: Int
    let virtualHours: Double
    let hash: String
    /// One for each seed, in their order.
    let hashes: [String]
    let coverage: [Counter]
    let missedFloors: [String]
    let failures: [Failure]

    init(_ report: SeedHunt.Report, scenario: Scenario, bug: Scenario.Bug?, took: Duration) {
        self.scenario = scenario.name
        self.bug = bug?.name
        seeds = report.seeds
        seedsPerSecond = Double(report.seeds) / max(1e-9, took / .seconds(1))
        stepsPerSeed = report.steps / max(1, report.seeds)
        virtualHours = report.time / .seconds(3600)
        hash = Self.hexadecimal(report.hash)
        hashes = report.hashes.map { "\($0.seed) \(Self.hexadecimal($0.hash))" }
        // Floors are those of the whole workload, and of so many seeds that chance does not matter.
        let hasFloors = scenario.name == Scenario.swarm.name && report.seeds >= 1000 && bug == nil
        let floors = Dictionary(
            uniqueKeysWithValues: Coverage.floors.map { ($0.event, $0.count * report.seeds / 1000) }
        )
        coverage = Coverage.Event.allCases.map {
            Counter(event: $0.rawValue, count: report.coverage[$0], floor: hasFloors ? floors[$0] : nil)
        }
        missedFloors =
            hasFloors
            ? report.coverage.missed(seeds: report.seeds).map { "\($0.event.rawValue): \($0.count) < \($0.floor)" } : []
        let options = (bug.map { " --bug \($0.name)" } ?? "") + " --scenario \(scenario.name)"
        failures = report.failures.map { failure in
            Failure(
                seed: failure.seed,
                hash: Self.hexadecimal(failure.hash),
                finding: failure.failure ?? "",
                faults: failure.faults,
                steps: failure.steps,
                virtualSeconds: failure.time / .seconds(1),
                replay: "migrate simulate --seed \(failure.seed) --seeds 1\(options) --trace"
            )
        }
    }

    var isGood: Bool { failures.isEmpty && missedFloors.isEmpty }

    var text: String {
        var lines = failures.map { failure in
            """
            FAIL \(failure.finding)
              seed \(failure.seed)  hash \(failure.hash)  step \(failure.steps)  t=\(failure.virtualSeconds)s  faults: \(failure.faults)
              replay: \(failure.replay)
            """
        }
        lines.append(
            "\(scenario): \(seeds) seeds, \(Int(seedsPerSecond)) seeds/s, \(stepsPerSeed) steps a seed, "
                + "\(Int(virtualHours)) virtual hours, hash \(hash), \(failures.count) failed"
        )
        lines.append(
            Table(
                header: ["MET", "TIMES", "FLOOR"],
                rows: coverage.map { [$0.event, "\($0.count)", $0.floor.map { "\($0)" } ?? ""] }
            ).text
        )
        lines += missedFloors.map { "MISSED FLOOR \($0)" }
        return lines.joined(separator: "\n")
    }

    private static func hexadecimal(_ word: UInt64) -> String {
        let digits = String(word, radix: 16)
        return String(repeating: "0", count: 16 - digits.count) + digits
    }
}
