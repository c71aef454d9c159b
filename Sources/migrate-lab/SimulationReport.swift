import Scenarios
import Terminal

/// The answer of `migrate-lab simulate`.
struct SimulationReport: Encodable {
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
    var failures: [Failure]
    /// The build for which the seeds and hashes are valid.
    let validFor = Build.words

    init(_ report: SeedHunt.Report, _ hunt: SeedHunt, took: Duration) {
        scenario = hunt.scenario.name
        bug = hunt.bug?.name
        seeds = report.seeds
        seedsPerSecond = Double(report.seeds) / max(1e-9, took / .seconds(1))
        stepsPerSeed = report.steps / max(1, report.seeds)
        virtualHours = report.time / .seconds(3600)
        hash = Self.hexadecimal(report.hash)
        hashes = report.hashes.map { "\($0.seed) \(Self.hexadecimal($0.hash))" }
        // The floors hold for the whole workload, and for so many seeds that chance does not matter.
        let hasFloors =
            scenario == Scenario.swarm.name && bug == nil && hunt.wish.isEmpty
        coverage = Coverage.Event.allCases.map {
            Counter(
                event: $0.rawValue,
                count: report.coverage[$0],
                floor: hasFloors ? Coverage.floor(of: $0, seeds: report.seeds) : nil
            )
        }
        missedFloors =
            hasFloors
            ? report.coverage.missed(seeds: report.seeds).map { "\($0.event.rawValue): \($0.count) < \($0.floor)" } : []
        failures = report.failures.map { failure in
            Failure(run: Run(failure, replay: hunt.replay(Trial(seed: failure.seed, wish: hunt.wish))))
        }
    }

    var isGood: Bool { failures.isEmpty && missedFloors.isEmpty }

    var text: String {
        var lines = failures.map(\.text)
        if !failures.isEmpty { lines.append("Seeds and hashes are valid for: \(validFor)") }
        lines.append(
            "\(scenario): \(seeds) seeds, \(Int(seedsPerSecond)) seeds/s, \(stepsPerSeed) steps per seed, "
                + "\(Int(virtualHours)) virtual hours, hash \(hash), \(failures.count) failed"
        )
        // The counters of a few seeds mean nothing.
        guard failures.isEmpty else { return lines.joined(separator: "\n") }
        lines.append(
            Table(
                header: ["MET", "TIMES", "FLOOR"],
                rows: coverage.map { [$0.event, "\($0.count)", $0.floor.map { "\($0)" } ?? ""] }
            ).text
        )
        lines += missedFloors.map { "MISSED FLOOR \($0)" }
        return lines.joined(separator: "\n")
    }

    static func hexadecimal(_ word: UInt64) -> String {
        let digits = String(word, radix: 16)
        return String(repeating: "0", count: 16 - digits.count) + digits
    }
}
