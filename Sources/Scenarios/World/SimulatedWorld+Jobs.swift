import Engine
import Fakes
import Migration
import Simulation

/// The configuration with which a process starts.
extension SimulatedWorld {
    func configuration(of process: SimulatedProcess) -> JobConfiguration {
        process.kind == .stranger ? Self.otherConfiguration : Self.configuration
    }

    // Made once, because its hashes are needed again and again.
    private static let configuration = configuration(profile: SimulatedText.shaper.profile)
    private static let otherConfiguration = configuration(profile: "another")

    private static func configuration(profile: String) -> JobConfiguration {
        JobConfiguration(values: ["collection": "memos", "table": "app.memos", "profile": profile])
    }

    /// Each process has its own: it learns about the quota by itself.
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
