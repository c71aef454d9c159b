import Engine
import Fakes
import Migration
import Synchronization
import Testing

/// What `verify` does when a service goes away, and when it is told to stop.
extension EngineTests {
    @Suite struct VerifyOutageTests {
        /// Fails calls of a service while it is away.
        private final class Outage: Sendable {
            private struct State {
                var calls = 0
                var away: Range<Int> = 0..<0
            }

            private let state = Mutex(State())

            /// From now on `first` calls are answered, and then so many fail.
            func begin(after first: Int, calls: Int) {
                state.withLock { $0 = State(away: first..<(first + calls)) }
            }

            func hook(_ kind: PortFailure.Kind = .unavailable) -> FaultHook {
                FaultHook(before: { (_) throws(PortFailure) in
                    let isAway = self.state.withLock { state in
                        defer { state.calls += 1 }
                        return state.away.contains(state.calls)
                    }
                    if isAway { throw PortFailure(kind, "away") }
                })
            }
        }

        private func verifier(_ world: World, _ stop: StopSignal = StopSignal()) throws -> Verifier {
            try Verifier(ports: world.ports, stop: stop, plan: world.plan(), isDeep: true, repairs: false)
        }

        @Test(arguments: ["source", "points", "store"], [1, 7, 14])
        func `an outage in the middle is ridden out, and every record counted once`(
            service: String,
            calls: Int
        ) async throws {
            let outage = Outage()
            let world = try await World(
                rows: World.rows(40),
                storeFaults: service == "store" ? outage.hook() : .none,
                sourceFaults: service == "source" ? outage.hook(.outcomeUnknown) : .none,
                pointFaults: service == "points" ? outage.hook() : .none
            )
            try await world.run()
            // The store is asked twice before the first batch is compared.
            outage.begin(after: service == "store" ? 2 : 3, calls: calls)
            let report = try await verifier(world).run(1) { _ in }
            #expect(report.verdict == .complete)
            #expect(report.right == 40 && report.strangers == 0)
        }

        @Test(arguments: ["source", "points", "store"], [60, 600])
        func `a code that nobody has classified is ridden out for two minutes, and then ends it`(
            service: String,
            seconds: Int
        ) {
            World.virtually { time in
                let began = Mutex<Duration?>(nil)
                let calls = Mutex(-1_000_000)
                let strange = FaultHook(before: { (_) throws(PortFailure) in
                    let number = calls.withLock { calls in
                        calls += 1
                        return calls
                    }
                    // Not before the first batch was compared.
                    guard number > 3 else { return }
                    let since = began.withLock { began in
                        began = began ?? time.now
                        return began ?? time.now
                    }
                    if time.now < since + .seconds(seconds) { throw PortFailure(.unclassified, "code 65000") }
                })
                let world = try await World(
                    rows: World.rows(40),
                    time: time,
                    storeFaults: service == "store" ? strange : .none,
                    sourceFaults: service == "source" ? strange : .none,
                    pointFaults: service == "points" ? strange : .none
                )
                try await world.run()
                calls.withLock { $0 = service == "store" ? 1 : 0 }
                do {
                    let report = try await verifier(world).run(1) { _ in }
                    #expect(seconds == 60 && report.verdict == .complete && report.right == 40)
                } catch let failure as ServiceFailure {
                    #expect(seconds == 600 && failure.failure.kind == .unclassified, "\(failure)")
                    let took = time.now - (began.withLock(\.self) ?? .zero)
                    // Two minutes, and the wait of a minute or two under way by then.
                    #expect((.seconds(120)...(.seconds(300))).contains(took), "\(took)")
                }
                #expect(began.withLock(\.self) != nil, "the code was met")
            }
        }

        @Test func `a service that was never there ends it`() async throws {
            let outage = Outage()
            let world = try await World(rows: World.rows(20), pointFaults: outage.hook())
            try await world.run()
            outage.begin(after: 0, calls: 1_000)
            await #expect(throws: ServiceFailure.self) { _ = try await verifier(world).run(1) { _ in } }
        }

        @Test func `a refusal in the middle ends it at once`() async throws {
            let outage = Outage()
            let world = try await World(rows: World.rows(40), pointFaults: outage.hook(.unauthorised))
            try await world.run()
            outage.begin(after: 3, calls: 1_000)
            let failure = await #expect(throws: ServiceFailure.self) { _ = try await verifier(world).run(1) { _ in } }
            #expect(failure?.failure.kind == .unauthorised)
        }

        @Test func `a stop ends it between two batches, and another goes on from there`() async throws {
            let world = try await World(rows: World.rows(600))
            try await world.run(batchSize: 10)
            let stop = StopSignal()
            let noted = Mutex<VerifyProgress?>(nil)
            let failure = await #expect(throws: ServiceFailure.self) {
                _ = try await verifier(world, stop).run(
                    1,
                    note: { progress in noted.withLock { $0 = progress } },
                    progress: { if $0 >= 550 { stop.raise(.drain) } }
                )
            }
            #expect(failure?.failure.kind == .cancelled)
            let last = noted.withLock { $0 }
            let earlier = try #require(last)
            #expect(earlier.compared == 500)
            let first = Mutex<Int?>(nil)
            let report = try await verifier(world).run(1, from: earlier) { compared in
                first.withLock { $0 = $0 ?? compared }
            }
            let counted = first.withLock { $0 }
            #expect(counted == 510)
            #expect(report.verdict == .complete)
            #expect(report.right == 600 && report.strangers == 0 && report.late == 0)
        }
    }
}
