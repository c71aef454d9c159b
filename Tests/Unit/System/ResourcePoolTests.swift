import Migration
import Synchronization
import Testing

@testable import Adapters

@Suite struct `A resource pool` {
    private final class Thing: Sendable {
        let number: Int
        let isBroken = Mutex(false)
        init(_ number: Int) { self.number = number }
        var isUsable: Bool { isBroken.withLock { !$0 } }
    }

    private final class Factory: Sendable {
        private let made = Mutex(0)
        var count: Int { made.withLock { $0 } }
        func make() -> Thing {
            made.withLock {
                $0 += 1
                return Thing($0)
            }
        }
    }

    @Test func `makes a resource only when none is idle`() async throws {
        let factory = Factory()
        let pool = ResourcePool(limit: 3, make: { () async throws(PortFailure) in factory.make() })
        #expect(factory.count == 0)
        for _ in 0..<5 { #expect(try await pool.use { $0.number } == 1) }
        #expect(factory.count == 1)
    }

    @Test func `never lends more than its limit and serves everyone`() async throws {
        let factory = Factory()
        let pool = ResourcePool(limit: 2, make: { () async throws(PortFailure) in factory.make() })
        let usage = Usage()
        await withTaskGroup { group in
            for _ in 0..<50 {
                group.addTask {
                    _ = try? await pool.use { _ in
                        usage.enter()
                        await Task.yield()
                        usage.leave()
                    }
                }
            }
        }
        #expect(usage.most <= 2)
        #expect(usage.served == 50)
        #expect(factory.count <= 2)
    }

    @Test func `drops a broken resource and makes another`() async throws {
        let factory = Factory()
        let pool = ResourcePool(
            limit: 1,
            make: { () async throws(PortFailure) in factory.make() },
            isUsable: { $0.isUsable }
        )
        try await pool.use { $0.isBroken.withLock { $0 = true } }
        #expect(try await pool.use { $0.number } == 2)
    }

    @Test func `gives a place back when making a resource fails`() async throws {
        let attempts = Mutex(0)
        let pool = ResourcePool<Thing>(
            limit: 1,
            make: { () async throws(PortFailure) in
                if attempts.withLock({
                    $0 += 1
                    return $0
                }) == 1 {
                    throw PortFailure(.unavailable, "not yet")
                }
                return Thing(7)
            }
        )
        await #expect(throws: PortFailure.self) { try await pool.use { $0.number } }
        #expect(try await pool.use { $0.number } == 7)
    }

    @Test func `a cancelled waiter leaves the line and the next one is served`() async throws {
        let pool = ResourcePool(limit: 1, make: { () async throws(PortFailure) in Thing(1) })
        let gate = Gate()
        let holder = Task { try await pool.use { _ in await gate.wait() } }
        await gate.reached()
        let waiter = Task { () async -> PortFailure.Kind? in
            do { return try await pool.use { _ in nil } } catch { return (error as? PortFailure)?.kind }
        }
        let next = Task { try await pool.use { $0.number } }
        waiter.cancel()
        #expect(await waiter.value == .cancelled)
        gate.open()
        try await holder.value
        #expect(try await next.value == 1)
    }

    @Test func `refuses to let the line grow without end`() async throws {
        let pool = ResourcePool(limit: 1, waitersMax: 1, make: { () async throws(PortFailure) in Thing(1) })
        let gate = Gate()
        let refused = await withTaskGroup(of: Bool.self) { group in
            for _ in 0..<3 {
                group.addTask {
                    do {
                        try await pool.use { _ in await gate.wait() }
                        return false
                    } catch {
                        gate.open()
                        return (error as? PortFailure)?.kind == .unavailable
                    }
                }
            }
            return await group.reduce(into: 0) { $0 += $1 ? 1 : 0 }
        }
        #expect(refused == 1)
    }
}

/// Counts the users inside.
private final class Usage: Sendable {
    private let state = Mutex((now: 0, most: 0, served: 0))

    func enter() {
        state.withLock {
            $0.now += 1
            $0.most = max($0.most, $0.now)
        }
    }

    func leave() {
        state.withLock {
            $0.now -= 1
            $0.served += 1
        }
    }

    var most: Int { state.withLock { $0.most } }
    var served: Int { state.withLock { $0.served } }
}

/// Holds all waiting users until it is opened.
private final class Gate: Sendable {
    private let opened = AsyncStream<Void>.makeStream()
    private let arrived = AsyncStream<Void>.makeStream()

    func wait() async {
        arrived.continuation.finish()
        for await _ in opened.stream {}
    }

    func reached() async { for await _ in arrived.stream {} }

    func open() { opened.continuation.finish() }
}
