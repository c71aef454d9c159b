import Migration
import Simulation

/// What goes wrong in one run, and how often: each seed switches a random half of the classes on.
///
/// All classes at once would hide what a single one shows.
package struct FaultPlan: Sendable {
    package enum Class: String, CaseIterable, Sendable {
        case network, lostAnswers, crashes, freezes, clocks, database, embedder, quota, money, qdrant, source, changes,
            control, signals, killers, successor, interleaving, replica, absences, full, colleagues,
            refusals, emptied, suspects,
            refusedPoints, lists, caches
    }

    var classes: Set<Class> = []
    /// The strength of each class, drawn from 0…1.
    var strengths: [Class: Double] = [:]
    /// When all faults end.
    var healing = Duration.seconds(300)
    var hosts = 5
    var workersPerRunner = 1
    var batches = 40
    /// The number of batches that the table keeps, from its beginning; nil = all.
    var batchesWished: Int?
    var batchSize = 5
    var maxRetries = 3
    var batchTimeoutSeconds = 600
    /// So few that the plan has many pages.
    var batchesPerPage = 4
    /// Tokens per minute at most, where there is a quota, and whether the settings state it.
    var quotaMax = 12_000
    var statesQuota = false
    /// When a process pauses the job by itself.
    var brakes = BrakeLimits()
    /// The longest pause of a database call between two of its steps, where calls overlap.
    var stepMax = Duration.milliseconds(2)
    /// The highest number of texts, points and rows that can never be processed.
    var suspectsMax = 0
    /// Bytes of text that are worked on at once, and texts per request; nil = as in production.
    var portionBytesMax: Int?
    var inputsMax: Int?
    /// The share of rows with texts of several chunks, among the rows besides the ordinary ones.
    var longShare = 0.0
    /// The share of rows with the text of another row.
    var repeatShare = 0.0
    /// The share of the table that the job is about, from its first row on; nil = no limit is set.
    var limitShare: Double?
    /// Whether each process has settings of its own.
    var variesSettings = false
    /// How long the embedder takes: long enough for faults to meet the job.
    var latency = Duration.seconds(5)

    /// Draws a plan: each allowed class is on with probability one half.
    static func drawn(_ random: inout SimRandom, from allowed: [Class], always: Set<Class>) -> FaultPlan {
        var plan = FaultPlan()
        for member in Class.allCases where always.contains(member) || allowed.contains(member) && random.chance(0.5) {
            plan.classes.insert(member)
            plan.strengths[member] = strength(&random)
        }
        // The swarm keeps the class in few runs only: each takes two minutes more.
        if !always.contains(.suspects), plan.has(.suspects), !random.chance(0.15) { plan.classes.remove(.suspects) }
        plan.suspectsMax = 1 + random.below(always.contains(.suspects) ? 4 : 2)
        plan.healing = random.duration(.seconds(60)...Duration.seconds(220))
        // A frozen process must sleep until another one has its batch, before all processes are thawed.
        if plan.has(.freezes) { plan.healing += .seconds(100) }
        plan.maxRetries = 1 + random.below(3)
        plan.batchSize = random.chance(0.02) ? 1 + random.below(25) : 1 + random.below(3)
        plan.statesQuota = random.chance(0.5)
        plan.stepMax = [.milliseconds(2), .milliseconds(50), .milliseconds(400)][random.below(3)]
        plan.batchesPerPage = 1 + random.below(10)
        plan.latency = random.duration(.milliseconds(200)...Duration.seconds(20))
        // Some batches take as long as they may.
        if random.chance(plan.has(.freezes) ? 0.14 : 0.01) { plan.slowDown(&random) }
        plan.workersPerRunner = random.chance(0.25) ? 2 : 1
        if random.chance(0.1), plan.batchSize <= 3 { plan.cutSmall(&random) }
        if random.chance(0.15) { plan.drawLimit(&random) }
        plan.variesSettings = plan.batchSize <= 3 && random.chance(0.2)
        if random.chance(0.15) { plan.repeatShare = 0.2 + 0.6 * random.unit() }
        return plan
    }

    static func strength(_ random: inout SimRandom) -> Double { 0.1 + 0.9 * random.unit() }

    /// In most runs fewer rows than the table has.
    mutating func drawLimit(_ random: inout SimRandom) { limitShare = 0.5 + 0.6 * random.unit() }

    /// Makes batches so large and the embedder so slow that deadlines come near.
    mutating func slowDown(_ random: inout SimRandom) {
        latency = random.duration(.seconds(10)...Duration.seconds(25))
        batchSize = 10 + random.below(10)
        batches = 12
        batchTimeoutSeconds = 300
        // A few such batches that are given up because their processes were killed would reach the usual limit.
        brakes = BrakeLimits(failuresMax: 2 * batches * batchSize)
        quotaMax = 3_000
        statesQuota = true
        // Not before the first deadline.
        healing = random.duration(.seconds(300)...Duration.seconds(800))
    }

    /// Limits that a small table can reach, and batches of several records so that the table is larger than the batches
    /// at work.
    mutating func setUpBrakes(_ random: inout SimRandom) {
        hosts = 3
        workersPerRunner = 1
        batchSize = 4 + random.below(3)
        latency = random.duration(.milliseconds(200)...Duration.seconds(2))
        brakes = BrakeLimits(failuresMax: 6, removalsMin: 6)
        if classes.isDisjoint(with: [.refusals, .emptied]) {
            let member = random.chance(0.5) ? Class.refusals : .emptied
            classes.insert(member)
            strengths[member] = Self.strength(&random)
        }
    }

    func has(_ member: Class) -> Bool { classes.contains(member) }

    /// 0 where the class is off.
    func strength(_ member: Class) -> Double { strengths[member] ?? 0 }

    /// The names of the classes that are on.
    var words: String {
        classes.isEmpty ? "none" : shape.faultList.map(\.rawValue).joined(separator: " ")
    }

    var weather: SimNetwork.Weather {
        var weather = SimNetwork.Weather()
        let network = strength(.network)
        weather.requestLost = 0.05 * network
        weather.requestTwice = 0.1 * network
        weather.slow = 0.05 * network
        weather.answerLost = 0.15 * strength(.lostAnswers)
        return weather
    }
}
