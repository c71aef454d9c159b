import Scenarios
import Terminal

extension SimulationReport {
    /// A run that broke an invariant.
    struct Run: Encodable {
        let seed: UInt64
        let hash: String
        let finding: String
        let workers: Int
        let batches: Int
        let faults: [String]
        let steps: Int
        let virtualSeconds: Double
        /// The command that repeats it.
        let replay: String

        init(_ report: SeedReport, replay: String) {
            seed = report.seed
            hash = SimulationReport.hexadecimal(report.hash)
            finding = report.failure ?? ""
            workers = report.shape.hosts ?? 0
            batches = report.shape.batches ?? 0
            faults = report.shape.faultList.map(\.rawValue)
            steps = report.steps
            virtualSeconds = report.time / .seconds(1)
            self.replay = replay
        }

        /// The lines under its finding.
        var text: String {
            let size = [
                Format.plural(Int64(workers), "worker"), Format.plural(Int64(batches), "batch", "batches"),
                "faults: \(faults.isEmpty ? "none" : faults.joined(separator: " "))",
            ].joined(separator: "  ")
            return """
                  seed \(seed)  hash \(hash)  step \(steps)  t=\(Format.decimal(virtualSeconds, 3))s
                  \(size)
                  replay: \(replay)
                """
        }
    }

    /// The smallest run found that breaks the same invariant.
    struct Shortened: Encodable {
        let run: Run
        /// The number of runs that were tried.
        let tried: Int
        /// Its events; in a long trace only those that concern the finding.
        let trace: [String]
    }

    struct Failure: Encodable {
        let run: Run
        /// Whether the failure occurred again in a second run; nil when it was not tried.
        var repeats: Bool?
        var shortened: Shortened?

        init(run: Run) { self.run = run }

        /// Adds the result of the search for a smaller run.
        mutating func add(_ found: SeedHunt.Shortened?, _ hunt: SeedHunt) {
            repeats = found != nil
            guard let found else { return }
            shortened = Shortened(
                run: Run(found.report, replay: hunt.replay(found.trial)),
                tried: found.runs,
                trace: TraceExcerpt.lines(of: found.trace, finding: found.report.failure ?? "")
            )
        }

        var text: String {
            let original = "FAIL \(run.finding)\n\(run.text)"
            if repeats == false { return original + "\n  The failure did not occur again in a second run." }
            guard let shortened else { return original }
            return """
                \(shortened.trace.joined(separator: "\n"))
                \(original)
                SHORTENED in \(Format.plural(Int64(shortened.tried), "run")), what happened is above: \(shortened.run.finding)
                \(shortened.run.text)
                """
        }
    }
}
