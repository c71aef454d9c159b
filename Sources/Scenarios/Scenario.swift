package import Invariants
import Migration
import Simulation

/// A kind of run: the faults it may have, and what it is there to show.
package struct Scenario: Sendable {
    package let name: String
    package let about: String
    /// What may go wrong; each seed draws from it.
    let faults: [FaultPlan.Class]
    /// What always goes wrong.
    var always: Set<FaultPlan.Class> = []
    /// The settings of this scenario.
    var set: @Sendable (inout FaultPlan, inout SimRandom) -> Void = { _, _ in }

    /// All faults that the other scenarios have, except two.
    package static let swarm = Scenario(
        name: "swarm",
        about: "five hosts and a random half of all faults",
        // With brakes as tight as those two classes need them, half of the other faults would end in a pause.
        faults: FaultPlan.Class.allCases.filter { ![.refusals, .emptied].contains($0) }
    )

    package static let calm = Scenario(name: "calm", about: "nothing goes wrong", faults: [])

    package static let all: [Scenario] = [
        swarm,
        calm,
        Scenario(
            name: "races",
            about: "calls overlap step by step inside the database, answers are lost",
            faults: [.network, .qdrant, .embedder, .freezes],
            always: [.interleaving, .lostAnswers, .crashes]
        ) { plan, random in
            plan.stepMax = random.duration(.milliseconds(50)...Duration.milliseconds(600))
        },
        Scenario(
            name: "crashes",
            about: "processes are killed and stopped",
            faults: [.clocks],
            always: [.crashes, .freezes]
        ),
        Scenario(
            name: "money",
            about: "429 storms, a tight quota, no credit left, and a store that is slow to hear of it",
            faults: [.embedder, .network, .lostAnswers],
            always: [.quota, .money]
        ) { plan, _ in
            plan.workersPerRunner = 2
        },
        Scenario(
            name: "slow",
            about: "batches that take as long as they may: a slow embedder and small requests",
            faults: [.network, .lostAnswers, .freezes, .crashes, .signals],
            always: [.quota]
        ) { plan, random in
            plan.slowDown(&random)
        },
        Scenario(
            name: "colleagues",
            about: "other people replace and cancel the job, or come with other servers",
            faults: [.network, .lostAnswers, .crashes],
            always: [.colleagues]
        ),
        Scenario(
            name: "suspects",
            about: "texts, points and rows that never work, while services fail and processes die",
            faults: [.network, .lostAnswers, .embedder, .qdrant, .source, .quota, .crashes, .freezes, .signals],
            always: [.suspects]
        ) { plan, random in
            plan.batches = 12
            plan.batchSize = 2 + random.below(6)
            plan.workersPerRunner = 1 + random.below(2)
        },
        Scenario(
            name: "records",
            about: "batches of several portions, records of several requests, refused points, lists that others set",
            faults: [.network, .lostAnswers, .embedder, .qdrant, .crashes, .freezes, .changes, .absences],
            always: [.refusedPoints, .lists]
        ) { plan, random in
            plan.setUpRecords(&random)
        },
        Scenario(
            name: "full",
            about: "a collection that has no room for a while",
            faults: [.network, .lostAnswers, .qdrant, .crashes],
            always: [.full]
        ) { plan, _ in
            plan.workersPerRunner = 2
        },
        Scenario(
            name: "caches",
            about:
                "hosts with a cache of vectors that loses, is damaged, slow or full, and texts that many records have",
            faults: [.network, .lostAnswers, .embedder, .qdrant, .crashes, .signals],
            always: [.caches]
        ) { plan, random in
            plan.workersPerRunner = 1 + random.below(3)
            plan.repeatShare = 0.2 + 0.7 * random.unit()
        },
        Scenario(
            name: "operators",
            about: "pause, resume, cancel and signals at any moment",
            faults: [.network],
            always: [.control, .signals]
        ),
        Scenario(
            name: "absences",
            about: "replicas that lag, rows that go while they are planned, points of rows without a text",
            faults: [.network, .lostAnswers, .crashes, .freezes, .source, .qdrant, .changes, .signals],
            always: [.replica, .absences]
        ),
        Scenario(
            name: "brakes",
            about: "services that refuse everything for a while, an emptied table, and operators who resume the job",
            faults: [.network, .lostAnswers, .refusals, .emptied],
            always: []
        ) { plan, random in
            plan.setUpBrakes(&random)
        },
    ]

    /// Runs one seed of it, with the wishes in place of what the seed draws.
    ///
    /// - Parameters:
    ///   - seed: decides everything else.
    ///   - wish: takes the place of what the seed draws.
    ///   - bug: a mistake to make.
    ///   - keepsHistory: whether to record the calls of the store.
    ///   - tell: called with each event when it happens.
    /// - Returns: how it ended.
    package func run(
        seed: UInt64,
        wish: FaultPlan.Wish = FaultPlan.Wish(),
        bug: Bug? = nil,
        keepsHistory: Bool = false,
        tell: (@Sendable (String) -> Void)? = nil
    ) -> SeedReport {
        var options = Simulation.Options()
        options.tell = tell
        let findings = Findings()
        let result = Simulation.run(seed: seed, options: options) { simulation in
            var random = simulation.chance.split()
            var drawn = FaultPlan.drawn(&random, from: faults, always: always)
            set(&drawn, &random)
            drawn.grant(wish, &random)
            let plan = drawn
            findings.shape = plan.shape
            simulation.note("faults: \(plan.words), healed at \(plan.healing)")
            let world = SimulatedWorld(simulation, plan: plan, bug: bug, keepsHistory: keepsHistory)
            simulation.world = world
            simulation.explanation = { [unowned world] in EndChecks(world).others(than: $0) }
            defer {
                findings.coverage = world.coverage
                findings.history = plan.has(.interleaving) ? [] : world.history
            }
            try await Story(world).run()
        }
        return SeedReport(
            seed: seed,
            hash: result.hash,
            steps: result.steps,
            time: result.time,
            failure: result.failure,
            shape: findings.shape,
            coverage: findings.coverage,
            history: findings.history
        )
    }

    private final class Findings: @unchecked Sendable {  // Written by the simulation's thread, read after it.
        var coverage = Coverage()
        var shape = FaultPlan.Wish()
        var history: [RecordedStep] = []
    }
}

/// How one seed ended.
package struct SeedReport: Sendable {
    package let seed: UInt64
    package let hash: UInt64
    package let steps: Int
    /// Virtual time.
    package let time: Duration
    /// The invariant's number and what was found; nil when nothing was found.
    package let failure: String?
    /// How large it was and what could go wrong.
    package let shape: FaultPlan.Wish
    package let coverage: Coverage
    /// The calls of the store in their order, so that another store can replay them; empty when calls overlap.
    package let history: [RecordedStep]

    /// The same report with another finding.
    package func failing(_ reason: String) -> SeedReport {
        SeedReport(
            seed: seed,
            hash: hash,
            steps: steps,
            time: time,
            failure: reason,
            shape: shape,
            coverage: coverage,
            history: history
        )
    }
}
