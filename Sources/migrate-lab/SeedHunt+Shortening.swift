import Scenarios
import Synchronization

extension SeedHunt {
    /// The rest of a failure after everything that it does not need was removed.
    struct Shortened: Sendable {
        let trial: Trial
        let report: SeedReport
        /// Its events.
        let trace: [String]
        /// The number of runs it took.
        let runs: Int
    }

    /// Finds a smaller run with the same failure; blocks the calling thread.
    ///
    /// - Returns: the smallest run found; or the run that is stuck; or neither, when the failure does not occur again.
    func shortened(_ failure: SeedReport) -> (found: Shortened?, stuck: Watchdog.Stuck?) {
        guard let finding = failure.failure else { return (nil, nil) }
        let found = Mutex<Shortened?>(nil)
        let stuck = watchdog.run(threads: 1) { lane in
            var search = Shortening(
                Trial(seed: failure.seed, wish: failure.shape),
                invariant: Shortening.invariant(of: finding)
            )
            while let trial = search.next() {
                let report = lane.work(on: trial) { judged($0, by: lane) }
                search.hear(
                    Shortening.Outcome(
                        invariant: report.failure.map { Shortening.invariant(of: $0) },
                        steps: report.steps
                    )
                )
            }
            guard let best = search.best else { return }
            var (report, trace) = lane.work(on: best.trial, traced)
            // A difference between two runs does not show in a single run.
            if report.failure == nil { report = report.failing(finding) }
            found.withLock { $0 = Shortened(trial: best.trial, report: report, trace: trace, runs: search.runs) }
        }
        return (found.withLock { $0 }, stuck)
    }

    /// A run with its events.
    func traced(_ trial: Trial) -> (report: SeedReport, trace: [String]) {
        let lines = Mutex<[String]>([])
        let report = scenario.run(seed: trial.seed, wish: trial.wish, bug: bug) { line in
            lines.withLock { $0.append(line) }
        }
        return (report, lines.withLock { $0 })
    }

    /// The command that repeats a run.
    func replay(_ trial: Trial) -> String {
        var words = ["migrate-lab simulate --seed \(trial.seed) --seeds 1 --scenario \(scenario.name)"]
        if let bug { words.append("--bug \(bug.name)") }
        if let hosts = trial.wish.hosts { words.append("--workers \(hosts)") }
        if let batches = trial.wish.batches { words.append("--batches \(batches)") }
        if trial.wish.faults != nil { words.append("--faults \(trial.wish.faultWords)") }
        if isDouble { words.append("--twice") }
        return (words + ["--trace"]).joined(separator: " ")
    }
}

extension FaultPlan.Wish {
    /// In the form of the command line: `crashes,clocks`, or `none`.
    var faultWords: String { faults == [] ? "none" : faultList.map(\.rawValue).joined(separator: ",") }

    /// Reads the form that `faultWords` writes.
    ///
    /// - Returns: nil when a word is not a class of faults.
    static func faults(_ words: String) -> Set<FaultPlan.Class>? {
        if words == "none" { return [] }
        let names = words.split(separator: ",", omittingEmptySubsequences: false).map(String.init)
        let classes = names.compactMap(FaultPlan.Class.init(rawValue:))
        return classes.count == names.count ? Set(classes) : nil
    }
}
