import ArgumentParser
import Foundation
import Scenarios
import Terminal

struct SimulateCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "simulate",
        abstract: "Runs whole migrations in virtual time, under faults, each from a seed.",
        discussion: """
            The engine is the real one; hosts, clocks, network and the four services are simulated in one thread, so that \
            a seed repeats everything.

            Ends with exit code 1 when an invariant of docs/tracking.md is broken. Then it looks for the smallest run \
            that breaks the same one: fewer classes of faults, fewer batches, fewer hosts, a neighbouring seed. It \
            prints the events of that run, and the command that repeats it. A seed is valid for one build of the \
            program only. docs/simulation.md says how to read a failure.

            --workers, --batches and --faults replace what the seed draws; everything else stays as drawn. Classes \
            of faults: \(FaultPlan.Class.allCases.map(\.rawValue).joined(separator: ", ")), or none.

            EXAMPLES
              migrate-lab simulate                       1,000 seeds
              migrate-lab simulate --seeds 100000 --seed 7000
              migrate-lab simulate --scenario races --seed 91 --seeds 1 --trace
              migrate-lab simulate --workers 2 --batches 3 --faults crashes,clocks
              migrate-lab simulate --bug leavesWhenIdle
            """
    )

    @Option(name: .long, help: "Number of seeds.")
    var seeds = 1_000

    @Option(name: .long, help: "The first seed.")
    var seed: UInt64 = 0

    @Option(name: .long, help: "Kind of run: \(Scenario.all.map(\.name).joined(separator: ", ")).")
    var scenario = Scenario.swarm.name

    @Option(
        name: .long,
        help: "Plant a mistake that must be found: \(Scenario.Bug.all.map(\.name).joined(separator: ", "))."
    )
    var bug: String?

    @Option(name: .long, help: "Number of hosts, each with a runner; by default 5.")
    var workers: Int?

    @Option(name: .long, help: "Number of batches; by default 40, or 12 slow ones.")
    var batches: Int?

    @Option(name: .long, help: "Exactly these classes of faults, separated by commas; by default the seed draws them.")
    var faults: String?

    @Option(name: .long, help: "Seconds of real time that one run may take before it counts as an endless loop.")
    var patience = 60

    @Option(name: .long, help: "Threads; by default one per processor.")
    var threads: Int?

    @Flag(name: .long, help: "Run each seed twice, and compare.")
    var twice = false

    @Flag(name: .long, help: "Print the hash of each seed, to compare two hosts or builds.")
    var hashes = false

    @Flag(name: .long, help: "Print every event of a single seed, when it happens.")
    var trace = false

    @Flag(name: .long, help: "Print JSON for programs instead of text for people.")
    var json = false

    func validate() throws {
        guard seeds > 0 else { throw ValidationError("--seeds must be at least 1") }
        if let threads, !(1...256).contains(threads) { throw ValidationError("--threads must be from 1 to 256") }
        if let workers, !(1...20).contains(workers) { throw ValidationError("--workers must be from 1 to 20") }
        if let batches, !(1...1000).contains(batches) { throw ValidationError("--batches must be from 1 to 1000") }
        if trace, seeds != 1 { throw ValidationError("--trace shows one run: add --seeds 1") }
        guard patience > 0 else { throw ValidationError("--patience must be at least 1") }
        _ = try wish
        _ = try chosen
    }

    private var wish: FaultPlan.Wish {
        get throws {
            var wish = FaultPlan.Wish(hosts: workers, batches: batches)
            guard let faults else { return wish }
            wish.faults = FaultPlan.Wish.faults(faults)
            guard wish.faults != nil else {
                let names = FaultPlan.Class.allCases.map(\.rawValue).joined(separator: ", ")
                throw ValidationError("--faults takes none, or some of: \(names)")
            }
            return wish
        }
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

    /// The search that the options describe.
    var hunt: SeedHunt {
        get throws {
            let (scenario, bug) = try chosen
            var hunt = SeedHunt(
                scenario: scenario,
                first: seed,
                count: seeds,
                threads: threads ?? ProcessInfo.processInfo.activeProcessorCount
            )
            hunt.bug = bug
            hunt.isDouble = twice
            hunt.wish = try wish
            hunt.watchdog.limit = .seconds(patience)
            return hunt
        }
    }

    func run() throws {
        let console = Console.standard
        if let problem = SeedHunt.selfTest() { throw CommandEnd(.incomplete, "this build cannot simulate: \(problem)") }
        let start = ContinuousClock.now
        var hunt = try hunt
        if trace, !json { hunt.tell = { console.out($0) } }
        let step = max(1, seeds / 20)
        let report = hunt.run { done in
            if console.isTerminal, done.isMultiple(of: step) { console.error("\(done) of \(seeds) seeds") }
        }
        var document = SimulationReport(report, hunt, took: ContinuousClock.now - start)
        var stuck = report.stuck
        if let failure = report.failures.first, stuck == nil, !trace {
            if console.isTerminal { console.error("seed \(failure.seed) fails; looking for a smaller run") }
            let shortened = hunt.shortened(failure)
            stuck = shortened.stuck
            if stuck == nil { document.failures[0].add(shortened.found, hunt) }
        }
        if hashes, !json { for line in document.hashes { console.out(line) } }
        console.out(json ? try JSONText.of(document) : document.text)
        if let stuck { throw Self.end(of: stuck, hunt) }
        if !document.isGood { throw CommandEnd(.incomplete) }
    }

    static func end(of stuck: Watchdog.Stuck, _ hunt: SeedHunt) -> CommandEnd {
        CommandEnd(
            .incomplete,
            """
            seed \(stuck.trial.seed) has not ended after \(stuck.after.components.seconds) s of real time: a loop without await?
              replay: \(hunt.replay(stuck.trial))
              valid for: \(Build.words)
            """
        )
    }
}
