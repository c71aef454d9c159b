import Foundation
import Migration
import Testing

@testable import SQLite

@Suite struct `The clocks of a tracking file` {
    private let folder: TrackingFolder

    init() throws { folder = try TrackingFolder() }

    private func store(_ machine: MachineClock) async throws(PortFailure) -> SQLiteJobStore {
        try await SQLiteJobStore.open(folder.file, clock: machine.clock, entropy: SeededEntropy(1))
    }

    @Test func `move no lease and no wait when the wall clock jumps`() async throws {
        let machine = MachineClock()
        let scene = try await SQLiteScene.planned(try await store(machine), batches: 2)
        let (held, deferred) = (UUID().uuidString, UUID().uuidString)
        let batch = try #require(try await scene.claim(held).batches.first)
        let other = try #require(try await scene.claim(deferred).batches.first)
        _ = try await scene.finish(other, deferred, .failed)
        let waits = try await scene.batches()[1].nextRetryMs
        #expect(waits >= 15_000)
        for jump in [Duration.seconds(3600), .seconds(-7200), .seconds(86_400 * 400), .seconds(-86_400 * 800)] {
            machine.jump(by: jump)
            #expect(try await scene.heartbeat(batch, held)?.leaseMs == 120_000)
            #expect(try await scene.reap() == .init(reset: 0, failed: 0, more: false))
            #expect(try await scene.batches()[1].nextRetryMs == waits)
            #expect(try await scene.claim(held).batches.map(\.attempt) == [1])
        }
        machine.advance(by: .seconds(151))
        #expect(try await scene.reap().reset == 1)
        #expect(try await scene.claim().batches.map(\.batchNumber) == [1])
    }

    @Test func `tell people the wall clock`() async throws {
        let machine = MachineClock()
        machine.advance(by: .seconds(5))
        let opened = try await store(machine)
        machine.jump(by: .seconds(86_400 * 365))
        let scene = try await SQLiteScene.planned(opened)
        #expect(try await scene.exactStats().job?.createdAt == machine.wall.text)
        #expect(machine.wall.text.hasPrefix("2027-01-01"))
    }

    @Test(arguments: ["", "machine"]) func `are those of the present boot after a restart`(id: String) async throws {
        let before = MachineClock(boot: "first", machine: id)
        before.advance(by: .seconds(7000))
        let scene = try await SQLiteScene.planned(try await store(before), batches: 2)
        let (held, waiting) = (UUID().uuidString, UUID().uuidString)
        let batch = try #require(try await scene.claim(held).batches.first)
        let other = try #require(try await scene.claim(waiting).batches.first)
        _ = try await scene.finish(other, waiting, .failed)

        // Two minutes later the machine runs again, with a clock that begins anew.
        let after = MachineClock(boot: "second", machine: id, wall: before.wall + .seconds(120))
        after.advance(by: .seconds(20))
        let restarted = scene.over(try await store(after))
        // Its lease would have lasted; nothing holds it any more, and no runner has to wait for its end.
        #expect(try await restarted.reap() == .init(reset: 1, failed: 0, more: false))
        #expect(try await restarted.finish(batch, held).result == .lost)
        // The wait of the other one is over as well.
        #expect(try await restarted.claim().batches.map(\.batchNumber) == [1])
        #expect(try await restarted.exactStats().equal == true)
        // The controller of before is gone.
        let join = JoinIngestionJob(job: scene.job, configHash: "hash", controllerId: "c", token: UUID().uuidString)
        let joined = try await restarted.store.joinJob(join)
        #expect(joined.role == .controller)
        #expect(joined.epoch == 2)
    }

    /// The clock of before was an hour ahead, and the machine is not known.
    @Test func `go on after a restart although the clock was corrected`() async throws {
        let before = MachineClock(boot: "first", machine: "machine", wall: .start + .seconds(3600))
        let scene = try await SQLiteScene.planned(try await store(before))
        _ = try await scene.claim()
        let after = MachineClock(boot: "second", machine: "machine", wall: .start, sinceBoot: 10_000_000)
        let restarted = scene.over(try await store(after))
        #expect(try await restarted.reap().reset == 1)
    }

    @Test func `go on after a restart without anything at work`() async throws {
        let scene = try await SQLiteScene.planned(try await store(MachineClock(boot: "first")))
        let after = MachineClock(boot: "second", wall: .start + .seconds(1))
        let restarted = scene.over(try await store(after))
        #expect(try await restarted.claim().batches.map(\.batchNumber) == [0])
    }

    @Test(arguments: ["", "other"]) func `refuse a second machine while the leases of the first are alive`(
        id: String
    ) async throws {
        let first = MachineClock(boot: "first", machine: id.isEmpty ? "" : "machine")
        first.advance(by: .seconds(1000))
        let scene = try await SQLiteScene.planned(try await store(first))
        let held = UUID().uuidString
        let batch = try #require(try await scene.claim(held).batches.first)

        let second = MachineClock(boot: "second", machine: id, wall: first.wall, sinceBoot: 5_000_000_000)
        let failure = await storeFailure { _ = try await store(second) }
        #expect(failure?.kind == .rejected)
        #expect(failure?.detail.contains("in use on another machine") == true)
        #expect(failure?.detail.contains("POSTGRES_URL") == true)
        // Nothing has changed for the first one.
        #expect(try await scene.heartbeat(batch, held)?.result == .ok)

        // It is silent for longer than a lease: the file is the second one's, and the first one is told.
        second.advance(by: .seconds(200))
        let moved = scene.over(try await store(second))
        #expect(try await moved.reap().reset == 1)
        let late = await storeFailure { _ = try await scene.finish(batch, held) }
        #expect(late?.kind == .rejected)
        #expect(late?.detail.contains("on another machine") == true)
        #expect(try await moved.exactStats().equal == true)
    }

    @Test func `are the system's where nothing else is said`() async throws {
        let system = SQLiteClock.system
        #expect(UUID(uuidString: system.bootID) != nil)
        #expect(system.sinceBoot() > 0)
        #expect(abs(Double(system.wall().microseconds) / 1e6 - Date().timeIntervalSince1970) < 60)
        let store = try await SQLiteJobStore.open(folder.file)
        let scene = try await SQLiteScene.planned(store)
        #expect(try await scene.claim().batches.first?.leaseMs == 120_000)
        #expect(store.file == folder.file)
    }
}
