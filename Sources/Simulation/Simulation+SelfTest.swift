extension Simulation {
    /// Finds out whether both intakes work with this toolchain's runtime; the hook behind one of them is not documented.
    ///
    /// - Returns: what does not work, or nil.
    package static func selfTest() -> String? {
        // A job that no intake catches runs on another thread and stops the process, or it never runs and leaves a
        // deadlock.
        let seen = Seen()
        let result = run(seed: 1) { simulation in
            let node = simulation.node("self-test")
            node.spawn {
                await seen.note("node")
                // The second intake is there for such tasks; the engine itself never starts them.
                await Task { await seen.note("task") }.value
                await Task.detached { await seen.note("detached") }.value
                await withTaskGroup(of: Void.self) { $0.addTask { await seen.note("group") } }
                let (stream, input) = AsyncStream<Int>.makeStream()
                input.yield(1)
                input.finish()
                for await _ in stream { await seen.note("stream") }
                try? await node.clock.sleep(for: .seconds(3600))
                await seen.note("slept \(simulation.now / 1_000_000_000)")
            }
            while await seen.events.count < 6 { try await simulation.harness.clock.sleep(for: .seconds(600)) }
            let events = await seen.events
            let wanted = ["node", "task", "detached", "group", "stream", "slept 3600"]
            if events != wanted { simulation.fail("expected \(wanted), saw \(events)") }
        }
        return result.failure
    }

    private actor Seen {
        private(set) var events: [String] = []

        func note(_ event: String) { events.append(event) }
    }
}
