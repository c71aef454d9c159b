import Fakes
import Migration
import Synchronization
import Testing

@testable import Engine

/// Joining never opens a second job (I27).
extension `Joining a job` {
    @Test(arguments: [false, true])
    func `a job that ends before it is joined is not begun once more`(isAnswerLost: Bool) async throws {
        _ = try await halfDone()
        let store = store
        let calls = Mutex(0)
        hooks.before.withLock {
            $0 = { call throws(PortFailure) in
                guard call == JoinIngestionJob.function,
                    calls.withLock({
                        $0 += 1
                        return $0
                    }) == 1
                else { return }
                _ = try await store.control(ControlIngestionJob(job: 1, action: .cancel, reason: nil))
            }
        }
        hooks.after.withLock {
            $0 = { call throws(PortFailure) in
                guard call == JoinIngestionJob.function, isAnswerLost, calls.withLock(\.self) == 1 else { return }
                throw PortFailure(.outcomeUnknown, "the answer was lost")
            }
        }
        #expect(await refusal(joining(choice: .resume)) == .endedMeanwhile(1))
        #expect(try await jobs().map(\.status) == [.cancelled])
    }

    @Test func `a job that ends while its work is looked for is not said to have no work`() async throws {
        _ = try await halfDone()
        // As if its successor had removed the points of rows that are gone.
        let emptied = FakeQdrant()
        _ = try await emptied.ensure(World.schema)
        let store = store
        let calls = Mutex(0)
        hooks.before.withLock {
            $0 = { call throws(PortFailure) in
                guard call == ListIngestionBatches.function, Self.isFirst(calls) else { return }
                _ = try await store.control(ControlIngestionJob(job: 1, action: .cancel, reason: nil))
            }
        }
        #expect(await refusal(joining(points: emptied, choice: .resume)) == .endedMeanwhile(1))
        #expect(calls.withLock(\.self) > 0, "it was looked for")
    }

    @Test func `a follower whose answer is lost opens no other job after its own was cancelled`() async throws {
        let job = try await halfDone()
        let store = store
        let calls = Mutex(0)
        hooks.after.withLock {
            $0 = { call throws(PortFailure) in
                guard call == JoinIngestionJob.function, Self.isFirst(calls) else { return }
                _ = try await store.control(ControlIngestionJob(job: job.id, action: .cancel, reason: nil))
                throw PortFailure(.outcomeUnknown, "the answer was lost")
            }
        }
        let ports = EnginePorts(
            source: source,
            store: store,
            embedder: FakeOpenAI(dimensions: 16, time: Time(FastClock())),
            points: points,
            time: Time(FastClock()),
            entropy: SeededEntropy(3),
            report: { _ in }
        )
        let order = Controller.Order(
            token: SeededEntropy(4).uuid(),
            configHash: Self.configuration().hash,
            runner: "follower",
            batchSize: 10
        )
        let controller = Controller(ports: ports, state: RunnerState(stop: StopSignal()), order: order)
        #expect(await controller.reopen(job.id) == nil)
        #expect(try await jobs().map(\.status) == [.cancelled])
    }

    /// The calls of a process that joins, each with an operator who cancels the job before or after it.
    private static let moments: [(call: String, isBefore: Bool, isAnswerLost: Bool)] = [
        ListIngestionJobs.function, JoinIngestionJob.function, AddIngestionServers.function,
        ListIngestionBatches.function,
    ].flatMap { call in
        [(call, true, false), (call, true, true), (call, false, false), (call, false, true)]
    }

    @Test(arguments: moments.indices, [false, true])
    func `a job that is cancelled at any moment of joining has no successor`(number: Int, moves: Bool) async throws {
        let (name, isBefore, isAnswerLost) = Self.moments[number]
        // Servers that the job has are not noted again.
        if name == AddIngestionServers.function, !moves { return }
        let job = try await halfDone()
        let store = store
        let calls = Mutex(0)
        let cancel: @Sendable () async throws(PortFailure) -> Void = { () async throws(PortFailure) in
            _ = try await store.control(ControlIngestionJob(job: job.id, action: .cancel, reason: nil))
        }
        hooks.before.withLock {
            $0 = { call throws(PortFailure) in
                if call == name, isBefore, Self.isFirst(calls) { try await cancel() }
            }
        }
        let lost = Mutex(0)
        hooks.after.withLock {
            $0 = { call throws(PortFailure) in
                guard call == name else { return }
                if !isBefore, Self.isFirst(calls) { try await cancel() }
                if isAnswerLost, Self.isFirst(lost) { throw PortFailure(.outcomeUnknown, "the answer was lost") }
            }
        }
        // With the servers of the job, or with a further one, which has to be noted.
        let embedder = moves ? ["http://other/v1"] : Self.servers.embedder
        let servers = JobServers(source: Self.servers.source, points: Self.servers.points, embedder: embedder)
        _ = try? await joining(servers, choice: .resume, serversMoved: true).run()
        #expect(try await jobs().map(\.status) == [.cancelled])
        #expect(calls.withLock(\.self) > 0, "\(name) was called")
    }
}
