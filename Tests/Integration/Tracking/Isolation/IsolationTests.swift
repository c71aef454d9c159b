import Invariants
import Migration
import Testing

@testable import Adapters

/// Calls at the same time, step by step on a real server: every order of their steps must come out like some sequence.
@Suite(.needs(.postgres)) struct `Tracking calls at the same time` {
    @Test func `in pairs are like one after the other, in every order of steps`() async throws {
        let result = try await IsolationCheck.play(StepOrders.choices(2, of: IsolationOperation.combined))
        print("isolation: pairs, \(result)")
        #expect(result.problems == [])
        #expect(result.runs == 45 * 6)
        #expect(result.waits >= 60)
    }

    /// All 90 orders of each triple take some minutes: else each run tries a few others.
    @Test func `in threes are like one after the other`() async throws {
        let seed = Int(TestEnvironment.seed)
        let groups = StepOrders.choices(3, of: IsolationOperation.combined)
        let result = try await IsolationCheck.play(groups) { group, all in
            TestEnvironment.isLong ? all : (0..<2).map { all[(seed + 7 * group + 31 * $0) % all.count] }
        }
        print("isolation: triples, \(result), seed \(seed)")
        #expect(result.problems == [], "MIGRATE_TEST_SEED=\(seed)")
        #expect(result.runs == groups.count * (TestEnvironment.isLong ? 90 : 2))
        #expect(result.waits >= result.runs / 4)
    }

    /// A worker asks whether the job is done while the reaper gives back, or gives up, its last batch.
    @Test(arguments: [IsolationScene.drained, .spent])
    func `end a job only when nothing of it is left, whoever reaps or finishes meanwhile`(scene: IsolationScene)
        async throws
    {
        let result = try await IsolationCheck.play(IsolationCheck.finalizeAgainstReap, in: scene)
        print("isolation: finalize, \(result)")
        #expect(result.problems == [])
        #expect(result.runs == 3 * 90)
    }

    /// A runner that was told of a job joins it while an operator or a worker ends it.
    @Test(arguments: [IsolationScene.working, .drained])
    func `join a job or learn that it has ended, and never change an ended one`(scene: IsolationScene) async throws {
        let result = try await IsolationCheck.play(IsolationCheck.joins, in: scene)
        print("isolation: join, \(result)")
        #expect(result.problems == [])
        #expect(result.runs == 5 * 6 + 2 * 90)
        // Each of the five waits for the row in four of its six orders, or makes the other wait.
        #expect(result.waits >= 5 * 4)
    }

    @Test func `give a repeated claim what its original took, and wait for it`() async throws {
        let result = try await IsolationCheck.play(IsolationCheck.repeatedClaim)
        #expect(result.problems == [])
        // In four of the six orders of the pair, and in most of the 90 of the triple, they overlap.
        #expect(result.waits >= 4 + 45)
    }
}

/// Groups of calls, each played in several orders of its steps.
struct IsolationCheck: CustomStringConvertible, Sendable {
    static let finalizeAgainstReap: [[IsolationOperation]] = [
        [.gate, .finalize, .reset], [.finalize, .reset, .claim], [.finalize, .finish, .reset],
    ]
    static let joins: [[IsolationOperation]] = [
        [.join, .cancel], [.join, .finalize], [.join, .pause], [.join, .seal], [.join, .join],
        [.join, .cancel, .finalize], [.finish, .finalize, .join],
    ]
    static let repeatedClaim: [[IsolationOperation]] = [[.claim, .repeatedClaim], [.claim, .repeatedClaim, .reset]]

    private(set) var runs = 0
    /// Calls that waited for another transaction.
    private(set) var waits = 0
    private(set) var problems: [String] = []
    /// What was played on which job.
    private var played: [JobID: String] = [:]

    var description: String { "\(runs) orders, \(waits) waits, \(problems.count) problems" }

    /// Plays all orders, or those that are chosen by the number of the group, in a database of their own.
    static func play(
        _ groups: [[IsolationOperation]],
        in scene: IsolationScene = .working,
        with control: NegativeControl? = nil,
        orders: @escaping @Sendable (_ group: Int, _ all: [[Int]]) -> [[Int]] = { $1 }
    ) async throws -> Self {
        let database = try await TrackingDatabase.make()
        try await control?.spoil(database)
        try await database.makeLocksPatient()
        try await database.run(IsolationScene.functions)
        // Two at a time: one computes while the other waits for the server.
        var result = try await withThrowingTaskGroup(of: Self.self) { lanes in
            for lane in 0..<2 {
                lanes.addTask {
                    var result = Self()
                    let stage = try await IsolationStage(database)
                    for index in stride(from: lane, to: groups.count, by: 2) {
                        try await result.play(groups[index], in: scene, on: stage) { orders(index, $0) }
                    }
                    return result
                }
            }
            return try await lanes.reduce(into: Self()) { total, lane in
                total.runs += lane.runs
                total.waits += lane.waits
                total.problems += lane.problems
                total.played.merge(lane.played) { $1 }
            }
        }
        // Each scene has a target of its own. An event has the time of the clock, a decision that of its transaction.
        for job in try await TrackingEvidence(reading: database.store()).jobs {
            let violations = TrackingEvidence(jobs: [job], slack: .seconds(30)).violations()
            result.problems += violations.map { "\(result.played[$0.job] ?? "in sequence"): \($0)" }
        }
        try await database.drop()
        return result
    }

    private mutating func play(
        _ operations: [IsolationOperation],
        in scene: IsolationScene,
        on stage: IsolationStage,
        orders: ([[Int]]) -> [[Int]]
    ) async throws {
        var group = IsolationGroup(operations, in: scene)
        for order in orders(StepOrders.all(of: operations.count)) {
            let report = try await stage.play(group, order)
            let name = "\(operations.map(\.rawValue)) in the order \(order)"
            runs += 1
            waits += report.waited.count
            played[report.job] = name
            if let problem = try await group.problem(of: report, on: stage) { problems.append("\(name) \(problem)") }
        }
    }
}
