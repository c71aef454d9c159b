import Fakes
import Migration
import Simulation

/// The faults of the four services, and of the caches of the hosts: refusals before a call is carried out, and late answers after it.
///
/// Every call asks, so the properties are not checked for overlapping accesses: no foreign code runs while one is
/// changed.
final class ServiceFaults: @unchecked Sendable {  // Confined to the simulation's thread.
    enum Service: Int, CaseIterable {
        case database, source, embedder, qdrant, cache

        var faultClass: FaultPlan.Class {
            switch self {
            case .database: .database
            case .source: .source
            case .embedder: .embedder
            case .qdrant: .qdrant
            case .cache: .caches
            }
        }
    }

    private let simulation: Simulation
    private let plan: FaultPlan
    /// False while the world is set up, and after all faults have ended.
    @safe @exclusivity(unchecked) private var isOn = false
    /// Until when a service is down.
    @safe @exclusivity(unchecked) private var down = [Int64](repeating: 0, count: Service.allCases.count)

    /// The code of a request that a service refuses although nothing is wrong with it.
    static let refusalCode = "simulated_refusal"
    /// Until when a service refuses requests that are right, and how many of them.
    @safe @exclusivity(unchecked)
    private var refusing = [(until: Int64, share: Double)](repeating: (0, 0), count: Service.allCases.count)

    /// Until when the embedder tells all callers to wait, each for a different time.
    @safe @exclusivity(unchecked) private var throttling: Int64 = 0

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

    /// Lets the embedder tell all callers to wait, for a while.
    func throttle(for duration: Duration) {
        simulation.note("the embedder tells all callers to wait for \(duration)")
        throttling = simulation.now + duration.nanoseconds
    }

    /// What a call meets.
    private enum Trouble {
        case refused(PortFailure)
        /// No answer for this long.
        case silence(Duration)
    }

    /// What a call meets before it is carried out; nil = nothing.
    ///
    /// Not `async`, because every call asks it, and `await` costs time even when there is nothing to wait for.
    private func before(_ service: Service, _ call: String) -> Trouble? {
        // After the verdict no call may have an effect.
        if simulation.isUnwinding { return .refused(PortFailure(.cancelled, "the run is over")) }
        if !isOn { return nil }
        if simulation.now < down[service.rawValue] {
            let code = service == .database ? "57P03" : "503"
            return .refused(PortFailure(.unavailable, "the service is down", code: code))
        }
        let refusal = refusing[service.rawValue]
        if simulation.now < refusal.until, ["openai.embed", "qdrant.upsert"].contains(call),
            simulation.chance.chance(refusal.share)
        {
            return .refused(PortFailure(.rejected, "refused, whatever it was", code: Self.refusalCode))
        }
        if service == .embedder, simulation.now < throttling { return .refused(throttled) }
        guard simulation.chance.chance(0.06 * plan.strength(service.faultClass)) else { return nil }
        switch service {
        case .database:
            let codes = ["57014", "55P03", "40P01", "53300", "PGRST002", "503"]
            return .refused(PortFailure(.unavailable, "refused", code: codes[simulation.chance.below(codes.count)]))
        case .source:
            return .refused(PortFailure(.unavailable, "Lost connection to server during query", code: "2013"))
        case .qdrant: return .refused(PortFailure(.unavailable, "Service Unavailable", code: "503"))
        case .embedder: return drawnForTheEmbedder()
        case .cache: return drawnForACache()
        }
    }

    private func drawnForACache() -> Trouble {
        switch simulation.chance.below(8) {
        case 0: .refused(PortFailure(.rejected, "the file is damaged", code: "SQLITE_CORRUPT"))
        case 1...3: .refused(PortFailure(.unavailable, "another process holds the file", code: "SQLITE_BUSY"))
        default: .silence(simulation.chance.duration(.milliseconds(10)...Duration.seconds(8)))
        }
    }

    private func drawnForTheEmbedder() -> Trouble {
        switch simulation.chance.below(4) {
        case 0: .refused(PortFailure(.unavailable, "the server had an error", code: "500"))
        case 1: .refused(throttled)
        case 2: .refused(PortFailure(.unavailable, "the answer ends in the middle", code: "truncated"))
        default: .silence(simulation.chance.duration(.seconds(1)...Duration.seconds(50)))
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

    /// What the answer of a completed call meets; nil = nothing.
    private func after(_ service: Service) -> Trouble? {
        if simulation.isUnwinding || !isOn { return nil }
        guard simulation.chance.chance(0.05 * plan.strength(service.faultClass)) else { return nil }
        if simulation.chance.chance(0.5) {
            return .refused(PortFailure(.outcomeUnknown, "applied, but not in time", code: "timeout"))
        }
        return .silence(simulation.chance.duration(.seconds(1)...Duration.seconds(30)))
    }

    /// The hook through which a fake meets the faults; if it `loses` answers, also after a call is carried out.
    func hook(_ service: Service, loses: Bool = false) -> FaultHook {
        let loss: FaultHook.Step = { [self] _ throws(PortFailure) in
            if let trouble = after(service) { try await meet(trouble) }
        }
        return FaultHook(
            before: { [self] call throws(PortFailure) in
                if let trouble = before(service, call) { try await meet(trouble) }
            },
            after: loses ? loss : nil
        )
    }

    private func meet(_ trouble: Trouble) async throws(PortFailure) {
        switch trouble {
        case .refused(let failure): throw failure
        case .silence(let duration): try? await simulation.harness.clock.sleep(for: duration)
        }
    }
}
