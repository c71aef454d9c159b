import Migration
import Simulation

/// What the four services do wrong: refusals before a call is done, and answers that come too late after it.
final class ServiceFaults: @unchecked Sendable {  // Confined to the simulation's thread.
    enum Service: Int, CaseIterable {
        case database, source, embedder, qdrant

        var faultClass: FaultPlan.Class {
            switch self {
            case .database: .database
            case .source: .source
            case .embedder: .embedder
            case .qdrant: .qdrant
            }
        }
    }

    private let simulation: Simulation
    private let plan: FaultPlan
    /// Not while the stage is set, and not after everything is mended.
    private var isOn = false
    /// Until when a service is down.
    private var down = [Int64](repeating: 0, count: Service.allCases.count)

    /// The code of a request that a service refuses although nothing is wrong with it.
    static let refusalCode = "simulated_refusal"
    /// Until when a service refuses requests that are right, and how many of them.
    private var refusing = [(until: Int64, share: Double)](repeating: (0, 0), count: Service.allCases.count)

    /// Until when the embedder tells everybody to wait, each caller for another time.
    private var throttling: Int64 = 0

    init(_ simulation: Simulation, _ plan: FaultPlan) {
        self.simulation = simulation
        self.plan = plan
    }

    func begin() { isOn = true }
    func end() { isOn = false }

    /// Takes a service down for a while.
    func takeDown(_ service: Service, for duration: Duration) {
        simulation.note("\(service) is down for \(duration)")
        down[service.rawValue] = max(down[service.rawValue], simulation.now + duration.nanoseconds)
    }

    /// Lets a service refuse a share of its requests for a while.
    func refuse(_ service: Service, share: Double, for duration: Duration) {
        simulation.note("\(service) refuses \(share) of its requests for \(duration)")
        refusing[service.rawValue] = (simulation.now + duration.nanoseconds, share)
    }

    /// Lets the embedder tell everybody to wait, for a while.
    func throttle(for duration: Duration) {
        simulation.note("the embedder tells everybody to wait for \(duration)")
        throttling = simulation.now + duration.nanoseconds
    }

    /// Before a call is done.
    func strike(_ service: Service, _ call: String) async throws(PortFailure) {
        // After the verdict nothing may have an effect.
        if simulation.isUnwinding { throw PortFailure(.cancelled, "the run is over") }
        if !isOn { return }
        if simulation.now < down[service.rawValue] {
            throw PortFailure(.unavailable, "the service is down", code: service == .database ? "57P03" : "503")
        }
        let refusal = refusing[service.rawValue]
        if simulation.now < refusal.until, ["openai.embed", "qdrant.upsert"].contains(call),
            simulation.chance.chance(refusal.share)
        {
            throw PortFailure(.rejected, "refused, whatever it was", code: Self.refusalCode)
        }
        if service == .embedder, simulation.now < throttling { throw throttled }
        guard simulation.chance.chance(0.06 * plan.strength(service.faultClass)) else { return }
        switch service {
        case .database:
            let codes = ["57014", "55P03", "40P01", "53300", "PGRST002", "503"]
            throw PortFailure(.unavailable, "refused", code: codes[simulation.chance.below(codes.count)])
        case .source: throw PortFailure(.unavailable, "Lost connection to server during query", code: "2013")
        case .qdrant: throw PortFailure(.unavailable, "Service Unavailable", code: "503")
        case .embedder: try await strikeEmbedder()
        }
    }

    private func strikeEmbedder() async throws(PortFailure) {
        switch simulation.chance.below(4) {
        case 0: throw PortFailure(.unavailable, "the server had an error", code: "500")
        case 1: throw throttled
        case 2: throw PortFailure(.unavailable, "the answer ends in the middle", code: "truncated")
        default:
            try? await simulation.harness.clock.sleep(
                for: simulation.chance.duration(.seconds(1)...Duration.seconds(50))
            )
        }
    }

    private var throttled: PortFailure {
        let wait = simulation.chance.duration(.milliseconds(500)...Duration.seconds(20))
        return PortFailure(
            .throttled(retryAfter: simulation.chance.chance(0.7) ? wait : nil),
            "slow down",
            code: "429"
        )
    }

    /// After a call was done.
    func strikeAfter(_ service: Service) async throws(PortFailure) {
        if simulation.isUnwinding || !isOn { return }
        guard simulation.chance.chance(0.05 * plan.strength(service.faultClass)) else { return }
        if simulation.chance.chance(0.5) {
            throw PortFailure(.outcomeUnknown, "applied, but not in time", code: "timeout")
        }
        try? await simulation.harness.clock.sleep(for: simulation.chance.duration(.seconds(1)...Duration.seconds(30)))
    }
}
