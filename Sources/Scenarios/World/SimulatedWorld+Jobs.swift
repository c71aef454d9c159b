import Fakes
import Migration
import Simulation

/// What a process is told to do.
extension SimulatedWorld {
    func configuration(of process: SimulatedProcess) -> JobConfiguration {
        process.kind == .stranger ? Self.otherConfiguration : Self.configuration
    }

    // Made once: their hashes are asked for again and again.
    private static let configuration = configuration(profile: SimulatedText.shaper.profile)
    private static let otherConfiguration = configuration(profile: "another")

    private static func configuration(profile: String) -> JobConfiguration {
        JobConfiguration(values: ["collection": "memos", "table": "app.memos", "profile": profile])
    }

    /// As one process has it: what it learns of the quota is its own.
    func work(of process: SimulatedProcess) -> BatchWork.Plan {
        BatchWork.Plan(
            shaper: SimulatedText.shaper,
            owner: Self.owner,
            limits: requestLimits(of: process),
            pointsPerWrite: FakeQdrant.pointsPerWrite,
            quota: QuotaGate(name: "openai/simulated", tokensPerMinute: statedLimit, requestsPerMinute: nil),
            schema: CollectionSchema(dimensions: Self.dimensions),
            portionBytesMax: process.settings.portionBytesMax ?? 4 << 20,
            suspicion: portBug?.suspicion ?? Suspicions.Policy(),
            pricePerMillion: 0.02
        )
    }

    private func requestLimits(of process: SimulatedProcess) -> RequestLimits {
        let limits = FakeOpenAI.requestLimits.sharing(tokensPerMinute: statedLimit)
        guard let most = process.settings.inputsMax else { return limits }
        return RequestLimits(inputsMax: min(limits.inputsMax, most), tokensMax: limits.tokensMax)
    }
}
