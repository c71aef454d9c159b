import Simulation

extension FaultPlan {
    /// Cuts batches into several portions, and records into several requests.
    ///
    /// Not in runs with batches that take as long as they may: each request takes the embedder's time.
    mutating func cutSmall(_ random: inout SimRandom) {
        portionBytesMax = 60 + random.below(200)
        inputsMax = 1 + random.below(3)
        latency = min(latency, .seconds(4))
    }

    /// Batches of several records, many of them long, in small portions and requests.
    mutating func setUpRecords(_ random: inout SimRandom) {
        batches = 12
        batchSize = 2 + random.below(4)
        longShare = 0.3
        cutSmall(&random)
    }
}
