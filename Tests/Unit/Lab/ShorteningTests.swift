import ArgumentParser
import Scenarios
import Terminal
import Testing

@testable import migrate_lab

/// How a failure is made smaller: decisions about runs that a function answers for, and one real failure.
@Suite("Shortening", .heavy)
struct ShorteningTests {
    private typealias Class = FaultPlan.Class

    private static let all = Trial(
        seed: 100,
        wish: FaultPlan.Wish(hosts: 5, batches: 40, faults: Set(Class.allCases))
    )

    /// Lets a function judge every run that is asked for.
    private func search(
        _ trial: Trial = Self.all,
        _ judge: (Trial) -> Shortening.Outcome
    ) -> (search: Shortening, asked: [Trial]) {
        var search = Shortening(trial, invariant: "I5")
        var asked: [Trial] = []
        while let trial = search.next() {
            asked.append(trial)
            search.hear(judge(trial))
        }
        return (search, asked)
    }

    private func steps(_ trial: Trial) -> Int { 10 * (trial.wish.batches ?? 0) + (trial.wish.hosts ?? 0) }

    @Test func `it finds the two classes, the batches and the hosts that a failure needs`() {
        let (search, asked) = search { trial in
            let faults = trial.wish.faults ?? []
            let isBroken =
                faults.isSuperset(of: [.crashes, .clocks]) && trial.wish.batches ?? 0 >= 3 && trial.wish.hosts ?? 0 >= 2
            return .init(invariant: isBroken ? "I5" : nil, steps: steps(trial))
        }
        #expect(search.best?.trial.wish == FaultPlan.Wish(hosts: 2, batches: 3, faults: [.crashes, .clocks]))
        #expect(asked.first == Self.all && Set(asked).count == asked.count, "no run twice")
        #expect(search.runs == asked.count && asked.count <= Shortening.runsMax)
    }

    @Test func `another invariant is another failure`() {
        let (search, _) = search { trial in
            .init(invariant: trial.wish.faultList.count > 2 ? "I5" : "I6", steps: steps(trial))
        }
        #expect(search.best?.trial.wish.faultList.count == 3)
        #expect(search.best?.trial.wish.batches == 1 && search.best?.trial.wish.hosts == 1)
    }

    @Test func `a failure that only some seeds have is followed to a seed near by, the shortest in the end`() {
        let (search, _) = search { trial in
            let isBroken = trial == Self.all || trial.seed % 4 == 2
            return .init(invariant: isBroken ? "I5" : nil, steps: trial.seed == 114 ? 5 : 1000)
        }
        #expect(search.best?.trial == Trial(seed: 114, wish: FaultPlan.Wish(hosts: 1, batches: 1, faults: [])))
        #expect(search.best?.steps == 5)
    }

    @Test func `a failure that does not come back is tried once`() {
        let (search, asked) = search { _ in .init(invariant: nil, steps: 10) }
        #expect(search.best == nil && asked == [Self.all])
    }

    @Test func `it gives up after so many runs or steps, with the best it has`() {
        // Every seed is better than the one before it.
        let (many, _) = search { trial in
            .init(invariant: "I5", steps: 1000 - Int(trial.seed))
        }
        #expect(many.runs == Shortening.runsMax && many.best?.trial.wish.faultList.isEmpty == true)
        let (long, asked) = search { trial in
            .init(invariant: trial == Self.all ? "I5" : nil, steps: 3_000_000)
        }
        #expect(asked.count == 7 && long.best?.trial == Self.all)
    }

    @Test(arguments: [
        ("I22 worker4.4 sends 10.1 seconds before it may (also I5)", "I22"),
        ("livelock: 3000000 steps, at 5.0 seconds", "livelock"),
        ("DETERMINISM the second run of the seed took other steps", "DETERMINISM"),
    ])
    func `a finding begins with its invariant`(finding: String, invariant: String) {
        #expect(Shortening.invariant(of: finding) == invariant)
    }

    // MARK: - Real runs

    @Test func `a planted bug is shortened to fewer faults and steps, and the printed command repeats it`() throws {
        let bug = Scenario.Bug.port(.finishesBeforeWriting)
        var hunt = SeedHunt(scenario: .swarm, count: 50)
        hunt.bug = bug
        // A write after the end of its lease, which any run can have; points that go too early need a run with older ones.
        let failures = (0..<20 as Range<UInt64>).lazy.compactMap { (seed: UInt64) -> SeedReport? in
            let report = hunt.scenario.run(seed: seed, bug: bug)
            return report.failure.map { Shortening.invariant(of: $0) } == "I20" ? report : nil
        }
        let failure = try #require(failures.first)
        let (found, stuck) = hunt.shortened(failure)
        let shortened = try #require(found)
        #expect(stuck == nil)
        #expect(shortened.report.steps < failure.steps)
        #expect(shortened.report.shape.faultList.count < failure.shape.faultList.count)
        #expect(shortened.report.shape.batches ?? 0 < failure.shape.batches ?? 0)
        let finding = try #require(shortened.report.failure)
        #expect(Shortening.invariant(of: finding) == Shortening.invariant(of: failure.failure ?? ""))

        let words = hunt.replay(shortened.trial).split(separator: " ").dropFirst().map(String.init)
        let command = try #require(try MigrateLab.parseAsRoot(words) as? SimulateCommand)
        let again = try command.hunt.run()
        #expect(again.failures.map(\.hash) == [shortened.report.hash] && again.failures.first?.failure == finding)
        #expect(command.trace && again.seeds == 1)

        var document = SimulationReport.Failure(run: .init(failure, replay: hunt.replay(Trial(seed: failure.seed))))
        document.add(found, hunt)
        #expect(document.text.contains(hunt.replay(shortened.trial)) && document.text.contains("SHORTENED in"))
        let json = try JSONText.of(document)
        #expect(json.contains(#""shortened":{"#) && json.contains(#""repeats":true"#) && json.contains(finding))
    }

    @Test func `to wish for what a seed draws changes nothing`() throws {
        for scenario in Scenario.all {
            let drawn = scenario.run(seed: 7)
            let wished = scenario.run(seed: 7, wish: drawn.shape)
            #expect(drawn.hash == wished.hash && drawn.steps == wished.steps, "\(scenario.name)")
        }
    }

    @Test func `a smaller run is smaller, and its other draws stay`() {
        let hunt = SeedHunt(scenario: .swarm, count: 1)
        let small = FaultPlan.Wish(hosts: 1, batches: 2, faults: [.network])
        let (drawn, whole) = hunt.traced(Trial(seed: 3))
        let (report, trace) = hunt.traced(Trial(seed: 3, wish: small))
        #expect(report.shape == small && report.failure == nil && report.steps < drawn.steps)
        #expect(!trace.contains { $0.contains("run1.") || $0.contains("crash ") || $0.contains("batch 2 ") })
        #expect(trace.contains { $0.contains("run0.") && $0.contains("batch 1 attempt") })
        // The moment of healing was drawn after the classes of faults.
        let healing = { (trace: [String]) in trace.first?.split(separator: ",").last }
        #expect(healing(trace) == healing(whole))
    }

    @Test func `a larger run is larger`() {
        let trial = Trial(seed: 3, wish: FaultPlan.Wish(batches: 50))
        let (report, trace) = SeedHunt(scenario: .calm, count: 1).traced(trial)
        #expect(report.failure == nil && trace.contains { $0.contains("batch 49 attempt 1 completed") })
    }
}

/// What is shown of a long trace.
@Suite struct `A trace's excerpt` {
    private let long = (0..<200).map { "\($0).000  run0.\($0 % 7)  event of batch \($0 % 20) record \($0)" }

    @Test func `a short trace is shown as it is`() {
        #expect(TraceExcerpt.lines(of: Array(long.prefix(80)), finding: "I5 batch 3") == Array(long.prefix(80)))
    }

    @Test func `a long one is its end, and what names the same things`() {
        let lines = TraceExcerpt.lines(of: long, finding: "I5 the lease of batch 1 of record 17 is too long")
        #expect(Array(lines.suffix(TraceExcerpt.tail)) == Array(long.suffix(TraceExcerpt.tail)))
        let related = lines.dropLast(TraceExcerpt.tail).filter { !$0.hasPrefix("  … ") }
        // Neither batch 11 nor record 117 or 170.
        #expect(related == [1, 17, 21, 41, 61, 81, 101, 121, 141].map { long[$0] })
        #expect(lines.first == "  … 1 event left out" && lines[2] == "  … 15 events left out")
    }

    @Test func `names are those of batches, records and processes`() {
        #expect(
            TraceExcerpt.names(in: "I20 worker3.14 writes record -54 without a lease, batch 4 of run1.0/2")
                == ["worker3.14", "record -54", "batch 4", "run1.0"]
        )
        #expect(TraceExcerpt.lines(of: long, finding: "deadlock").count == TraceExcerpt.tail + 1)
    }
}
