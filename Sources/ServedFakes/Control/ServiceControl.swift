import Fakes
import Foundation
import Migration
import Synchronization

/// What a test does to a served fake from outside: faults, latency, counts, reset.
///
/// Every service has `GET` and `POST /__faults`, `GET /__stats` and `POST /__reset`, with the service's key.
final class ServiceControl: Sendable {
    private struct State {
        var faults: [ServedFault]
        var latency: ServedLatency
        var random: SplitMix64
        /// Requests by method, path and status.
        var answers: [String: [Int: Int]] = [:]
    }

    /// Method and path of a request are counted under this many names, the others together.
    private static let namesMax = 1_000

    private let state: Mutex<State>
    private let start: State

    init(faults: [ServedFault], latency: ServedLatency, seed: UInt64) {
        start = State(faults: faults, latency: latency, random: SplitMix64(seed: seed))
        state = Mutex(start)
    }

    /// How a request goes: the wait before it, and its fault.
    func decide(_ path: String) -> (wait: Duration, effect: ServedFault.Effect?) {
        state.withLock { state in
            let wait = Self.wait(state.latency, &state.random)
            for index in state.faults.indices {
                let chance = Self.unit(&state.random)
                if state.faults[index].strikes(path, chance) { return (wait, state.faults[index].effect) }
            }
            return (wait, nil)
        }
    }

    func count(_ request: ServedRequest, _ status: Int) {
        let name = "\(request.method) /\(request.path.joined(separator: "/"))"
        state.withLock { state in
            let isKnown = state.answers[name] != nil || state.answers.count < Self.namesMax
            state.answers[isKnown ? name : "others", default: [:]][status, default: 0] += 1
        }
    }

    /// The answer to a request about the control itself; nil for any other one.
    ///
    /// - Parameters:
    ///   - request: the request; its key has been checked.
    ///   - stats: what the service has done.
    ///   - reset: makes the service as it was at its start.
    /// - Returns: the answer, or nil.
    func answer(_ request: ServedRequest, stats: () -> [String: JSONValue], reset: () -> Void) -> ServedAnswer? {
        switch (request.method, request.path) {
        case ("GET", ["__faults"]):
            return ServedAnswer(200, json: ["faults": .list(state.withLock { $0.faults.map(\.json) })])
        case ("POST", ["__faults"]):
            do {
                let faults = try ServedFault.list(json: try JSONParser.parse(request.body))
                state.withLock { $0.faults = faults }
                return ServedAnswer(200, json: ["faults": .list(faults.map(\.json))])
            } catch {
                let text = (error as? JSONParser.Malformed)?.text ?? "\(error)"
                return ServedAnswer(400, json: ["error": .string(text)])
            }
        case ("GET", ["__stats"]):
            let answers = state.withLock { $0.answers }
            let requests = answers.mapValues { counts in
                JSONValue.object(
                    Dictionary(uniqueKeysWithValues: counts.map { ("\($0.key)", .integer(Int64($0.value))) })
                )
            }
            return ServedAnswer(200, json: .object(stats().merging(["answers": .object(requests)]) { $1 }))
        case ("POST", ["__reset"]):
            reset()
            state.withLock { $0 = start }
            return ServedAnswer(200, json: ["reset": true])
        default: return nil
        }
    }

    private static func wait(_ latency: ServedLatency, _ random: inout SplitMix64) -> Duration {
        guard latency.median > .zero, latency.sigma > 0 else { return latency.median }
        // Box and Muller's way from two even numbers to one of the normal distribution.
        let normal = (-2 * log(1 - unit(&random))).squareRoot() * cos(2 * .pi * unit(&random))
        return min(latency.median * exp(latency.sigma * normal), .seconds(600))
    }

    /// From 0 up to, but not including, 1.
    private static func unit(_ random: inout SplitMix64) -> Double {
        Double(random.next() >> 11) / 9_007_199_254_740_992
    }
}
