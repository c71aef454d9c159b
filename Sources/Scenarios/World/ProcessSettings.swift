import Migration
import Simulation

/// What a person may set for one process without making it another job: how it plans, and how much it does at once.
struct ProcessSettings: Sendable {
    var workers: Int
    var batchSize: Int
    var batchesPerPage: Int
    /// Bytes of text that are worked on at once, and texts per request; nil = as in production.
    var portionBytesMax: Int?
    var inputsMax: Int?
    /// For the job that it opens; a job that exists already keeps its own limit.
    var limit: Int?
}

extension FaultPlan {
    /// The settings with which each process of the run starts.
    func settings(limit: Int?) -> ProcessSettings {
        ProcessSettings(
            workers: workersPerRunner,
            batchSize: batchSize,
            batchesPerPage: batchesPerPage,
            portionBytesMax: portionBytesMax,
            inputsMax: inputsMax,
            limit: limit
        )
    }
}

extension ProcessSettings {
    /// Draws the settings of a process that another person has started for the same job.
    ///
    /// Requests are small only if the embedder is quick (`FaultPlan.cutSmall`).
    mutating func vary(_ random: inout SimRandom, rows: Int, isQuick: Bool) {
        workers = 1 + random.below(2)
        batchSize = max(1, batchSize - 1 + random.below(3))
        batchesPerPage = 1 + random.below(10)
        if isQuick, random.chance(0.3) { inputsMax = 1 + random.below(3) }
        if isQuick, random.chance(0.3) { portionBytesMax = 60 + random.below(200) }
        limit = random.chance(0.5) ? nil : rows / 2 + random.below(rows)
    }
}
