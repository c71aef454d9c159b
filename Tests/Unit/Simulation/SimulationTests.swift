import Simulation
import Synchronization
import Testing

/// The executor, its clock and its network, without any migration.
@Suite("Simulation", .heavy)
struct SimulationTests {
    /// What tasks of several nodes write down; safe because one thread runs them all.
    final class Log: @unchecked Sendable {
        var lines: [String] = []
    }

    /// A test cannot be told anything from inside a run: a difference fails the run.
    private func check<Value: Equatable>(_ simulation: Simulation, _ value: Value, _ expected: Value) {
        if value != expected { simulation.fail("expected \(expected), found \(value)") }
    }

    private func sleep(_ simulation: Simulation, _ seconds: Int) async throws {
        try await simulation.harness.clock.sleep(for: .seconds(seconds))
    }

    @Test func `both intakes capture what they must`() {
        #expect(Simulation.selfTest() == nil)
    }

    @Test func `a seed repeats its run, and other seeds make other orders`() {
        @Sendable func scenario(_ log: Log) -> @Sendable (Simulation) async throws -> Void {
            { simulation in
                await withTaskGroup(of: Void.self) { group in
                    for number in 0..<8 {
                        group.addTask {
                            await Task.yield()
                            log.lines.append("\(number)")
                            simulation.note("task \(number)")
                        }
                    }
                }
            }
        }
        var orders: Set<[String]> = []
        for seed in 0..<50 as Range<UInt64> {
            let first = Log()
            let second = Log()
            let one = Simulation.run(seed: seed, scenario(first))
            let two = Simulation.run(seed: seed, scenario(second))
            #expect(one.hash == two.hash && one.steps == two.steps && first.lines == second.lines)
            orders.insert(first.lines)
        }
        #expect(orders.count >= 45)
    }

    @Test func `hours pass at once, in the order of the timers`() throws {
        let log = Log()
        let result = Simulation.run(seed: 3) { simulation in
            let early = simulation.node("early", error: ClockError(skew: .seconds(3600), drift: 200))
            let late = simulation.node("late")
            for (node, hours) in [(late, 2), (early, 1)] {
                node.spawn {
                    try? await node.clock.sleep(for: .seconds(3600 * hours))
                    log.lines.append("\(node.name) \(simulation.now / 1_000_000_000)")
                }
            }
            try await sleep(simulation, 10_000)
        }
        #expect(result.failure == nil && result.time == .seconds(10_000))
        // A clock that runs too fast by 200 parts of a million is through with its hour 0.7 s early.
        #expect(log.lines == ["early 3599", "late 7200"])
    }

    @Test func `a frozen node loses no job and no timer, a crashed one never runs again`() {
        let log = Log()
        let result = Simulation.run(seed: 4) { simulation in
            let node = simulation.node("n")
            node.spawn {
                defer { log.lines.append("defer") }
                for tick in 1...4 {
                    try? await node.clock.sleep(for: .seconds(10))
                    log.lines.append("\(tick) at \(simulation.now / 1_000_000_000)")
                }
            }
            try await sleep(simulation, 15)
            simulation.freeze(node)
            try await sleep(simulation, 100)
            check(simulation, log.lines, ["1 at 10"])
            simulation.thaw(node)
            try await sleep(simulation, 12)
            check(simulation, log.lines, ["1 at 10", "2 at 115", "3 at 125"])
            simulation.crash(node)
            try await sleep(simulation, 100)
            check(simulation, log.lines.count, 3)
        }
        #expect(result.failure == nil)
        #expect(log.lines.last == "defer", "what is left unwinds after the verdict")
    }

    @Test func `a deadlock and a livelock are found`() {
        let deadlock = Simulation.run(seed: 5) { _ in
            let (stream, input) = AsyncStream<Int>.makeStream()
            for await _ in stream {}
            input.finish()
        }
        #expect(deadlock.failure?.contains("deadlock") == true)
        var options = Simulation.Options()
        options.stepsMax = 1000
        let livelock = Simulation.run(seed: 5, options: options) { _ in
            while !Task.isCancelled { await Task.yield() }
        }
        #expect(livelock.failure?.contains("livelock") == true)
    }

    @Test func `the network loses, doubles, delays and cuts`() {
        let log = Log()
        let result = Simulation.run(seed: 6) { simulation in
            let client = simulation.node("client")
            let server = simulation.node("server")
            let network = SimNetwork(simulation)
            network.answerWasLost = { log.lines.append("lost \($0)") }
            @Sendable func ask() async -> String {
                let answer = Mutex<Int?>(nil)
                let ending = await network.call("add", from: client, to: server, timeout: .seconds(5)) {
                    log.lines.append("done")
                    return { answer.withLock { $0 = 7 } }
                }
                return switch ending {
                case .answered: "answered \(answer.withLock { $0 } ?? 0)"
                case .unknown: "unknown"
                case .cancelled: "cancelled"
                }
            }
            func asked(_ expected: [String], _ set: (SimNetwork) -> Void) async throws {
                log.lines = []
                network.weather = SimNetwork.Weather()
                network.repair()
                set(network)
                client.spawn { log.lines.append(await ask()) }
                try await sleep(simulation, 200)
                check(simulation, log.lines, expected)
            }
            try await asked(["done", "answered 7"]) { _ in }
            try await asked(["unknown"]) { $0.weather.requestLost = 1 }
            try await asked(["done", "lost add", "unknown"]) { $0.weather.answerLost = 1 }
            try await asked(["unknown"]) { $0.cut(from: client, to: server) }
            try await asked(["done", "unknown"]) { $0.cut(from: server, to: client) }
            try await asked(["unknown", "done"]) { network in
                network.weather.slow = 1
                network.weather.slowLatency = .seconds(20)...Duration.seconds(30)
            }
            try await asked(["unknown"]) { _ in simulation.freeze(server) }
            // What arrived while it was frozen is done now.
            simulation.thaw(server)
            try await asked(["done", "done", "answered 7"]) { $0.weather.requestTwice = 0 }
            try await asked(["done", "done", "answered 7"]) { network in
                network.weather.requestTwice = 1
                network.weather.latency = .seconds(1)...Duration.seconds(1)
            }
            simulation.crash(server)
            try await asked(["unknown"]) { _ in }
        }
        #expect(result.failure == nil)
    }
}
