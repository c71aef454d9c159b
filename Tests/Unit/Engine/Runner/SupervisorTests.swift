import Engine
import Fakes
import Migration
import Synchronization
import Testing

/// Worker processes that end before the job does.
extension EngineTests {
    @Suite struct SupervisorTests {
        @Test func `those that die are started again, later each time, and the job completes`() async throws {
            let world = try await World(rows: World.rows(40))
            let processes = ScriptedProcesses { run, stop, hear in
                if run <= 4 { return .died("was killed by signal 9") }
                return .left(await world.child(stop: stop, hear: hear))
            }
            guard case .jobEnded(.completed) = try await world.run(workers: 1, processes: processes) else {
                Issue.record("not completed")
                return
            }
            #expect(try await world.stats().processed == 40)
            let waits = world.events.compactMap { event -> Duration? in
                guard case .workerEnded(1, "was killed by signal 9", let again) = event else { return nil }
                return again
            }
            // Half of 0.5, 1, 2 and 4 s is certain.
            #expect(waits.count == 4)
            #expect(
                zip(waits, [250, 500, 1000, 2000]).allSatisfy { $0 >= .milliseconds($1) && $0 < .milliseconds($1 * 2) }
            )
        }

        @Test func `one that has completed a batch since begins with the shortest wait again`() async throws {
            let world = try await World(rows: World.rows(5))
            let processes = ScriptedProcesses { run, stop, hear in
                if run > 6 { return .left(await world.child(stop: stop, hear: hear)) }
                hear(.claimed(worker: 0, batch: 0, attempt: run, records: 5))
                if run == 3 {
                    hear(
                        .finished(
                            worker: 0,
                            batch: 0,
                            attempt: run,
                            outcome: .completed,
                            counts: BatchCounts(processed: 5),
                            reason: nil
                        )
                    )
                }
                return .died("was killed by signal 9")
            }
            try await world.run(workers: 1, processes: processes)
            let waits = world.events.compactMap { if case .workerEnded(_, _, let again) = $0 { again } else { nil } }
            #expect(waits.count == 6)
            #expect(waits[1] >= .milliseconds(500))
            #expect(waits[2] < .milliseconds(500), "the third had completed a batch")
            #expect(waits[5] >= .seconds(2))
            let workers = Set(
                world.events.compactMap { if case .claimed(let worker, _, _, _) = $0 { worker } else { nil } }
            )
            #expect(workers == [1], "known by their number here")
        }

        @Test func `what a person must mend ends them all`() async throws {
            let world = try await World(rows: World.rows(5))
            let processes = ScriptedProcesses { run, stop, _ in
                if run == 1 { return .left(.fatal(.embedder, PortFailure(.outOfMoney, "no money left"))) }
                await stop.wait(for: .release)
                return .left(.signalled)
            }
            guard case .fatal(.embedder, let failure) = try await world.run(workers: 3, processes: processes) else {
                Issue.record("it went on")
                return
            }
            #expect(failure.kind == .outOfMoney)
            #expect((1...3).contains(processes.runs))
        }

        @Test func `one that hangs with a batch in its hands is ended, and another goes on`() async throws {
            let world = try await World(rows: World.rows(5))
            let processes = ScriptedProcesses { run, stop, hear in
                if run > 1 { return .left(await world.child(stop: stop, hear: hear)) }
                hear(.claimed(worker: 0, batch: 0, attempt: 1, records: 5))
                await stop.wait(for: .drain)
                return .died("was killed by signal 9")
            }
            // Its deadline is at 10 s, and a minute later it counts as hanging.
            let settings = JobSettings(maxRetries: 3, leaseSeconds: 60, batchTimeoutSeconds: 10)
            let begun = world.time.now
            guard
                case .jobEnded(.completed) = try await world.run(workers: 1, settings: settings, processes: processes)
            else {
                Issue.record("not completed")
                return
            }
            #expect(world.time.now - begun >= .seconds(70))
            #expect(processes.runs == 2)
        }

        @Test func `one that found the job final a moment before it was opened again is started again`() async throws {
            let world = try await World(rows: World.rows(5))
            let processes = ScriptedProcesses { run, stop, hear in
                if run == 1 { return .left(.jobEnded(.failed)) }
                return .left(await world.child(stop: stop, hear: hear))
            }
            guard case .jobEnded(.completed) = try await world.run(workers: 1, processes: processes) else {
                Issue.record("it believed the first")
                return
            }
            #expect(processes.runs == 2)
        }
    }
}

/// Worker processes that do what the test says, by the number of the start.
final class ScriptedProcesses: WorkerProcesses {
    typealias Script =
        @Sendable (Int, StopSignal, @escaping @Sendable (MigrationEvent) -> Void) async -> WorkerProcessEnd

    private let script: Script
    private let started = Mutex(0)

    init(_ script: @escaping Script) { self.script = script }

    var runs: Int { started.withLock(\.self) }

    func run(
        _ job: JobID,
        until stop: StopSignal,
        hear: @escaping @Sendable (MigrationEvent) -> Void
    ) async -> WorkerProcessEnd {
        let number = started.withLock {
            $0 += 1
            return $0
        }
        return await script(number, stop, hear)
    }
}

extension World {
    /// What a worker process does, in this one.
    fileprivate func child(stop: StopSignal, hear: @escaping @Sendable (MigrationEvent) -> Void) async -> StopReason {
        let ports = EnginePorts(
            source: source,
            store: store,
            embedder: embedder,
            points: points,
            journal: host.journal(),
            time: time,
            entropy: SeededEntropy(99),
            report: hear
        )
        let call = ListIngestionJobs(job: 1, filter: .init(), after: nil, limit: 1)
        guard let job = try? await store.jobs(call).rows.first, let plan = try? plan() else { return .signalled }
        let ended = StopSignal()
        let runner = Runner(
            ports: ports,
            settings: Runner.Settings(workers: 1, name: "child", isChild: true),
            stop: ended
        )
        return await runner.run(.working(job), configHash: job.configHash, plan: plan)
    }
}
