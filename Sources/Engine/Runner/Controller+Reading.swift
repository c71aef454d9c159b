import Migration

/// A controller's reads of the source: its lease is renewed meanwhile, however long an answer takes.
extension Controller {
    /// The longest time for counting the rows of the source when the plan is complete.
    ///
    /// The number is only for the report, and a job can only end after the seal: the seal must not wait for an endless
    /// count.
    private static let countMax = Duration.seconds(120)

    /// The result of something during which the controller lease was renewed.
    enum Held<Value: Sendable>: Sendable {
        case done(Value)
        /// Another runner controls the job; the work was given up.
        case lost
    }

    /// Runs something that may take longer than the controller lease, and renews the lease meanwhile.
    func holding<Value: Sendable>(
        _ opened: OpenIngestionJob.Answer,
        _ operation: @escaping @Sendable () async -> Value
    ) async -> Held<Value> {
        let done = StopSignal()
        return await withTaskGroup(of: Held<Value>?.self) { group in
            // Started at once: a quick operation ends without a renewal.
            group.addImmediateTask {
                let value = await operation()
                done.raise(.drain)
                return .done(value)
            }
            group.addImmediateTask {
                while done.level == .run, !Task.isCancelled {
                    await ports.time.sleep(for: Self.renewInterval, unless: done, reaches: .drain)
                    guard done.level == .run, !Task.isCancelled else { break }
                    // A store that does not answer says nothing about the lease; each write checks it anyway.
                    if await renew(opened) == .lost { return .lost }
                }
                return nil
            }
            var end: Held<Value>?
            while end == nil, let next = await group.next() { end = next }
            group.cancelAll()
            return end ?? .lost
        }
    }

    /// Counts the rows of the source in a single bounded try; nil if that gave no number, for any reason.
    func count(through upper: RecordID) async -> Int64? {
        let done = StopSignal()
        let counted = await withTaskGroup(of: Result<Int64, PortFailure>?.self) { group in
            group.addImmediateTask {
                defer { done.raise(.drain) }
                do throws(PortFailure) {
                    return .success(try await ports.source.count(through: upper))
                } catch {
                    return .failure(error)
                }
            }
            group.addImmediateTask {
                await ports.time.sleep(for: Self.countMax, unless: done, reaches: .drain)
                // The end of the count has woken this task, and its result counts.
                if done.level != .run { return nil }
                let seconds = Self.countMax.components.seconds
                return .failure(PortFailure(.unavailable, "counting took more than \(seconds) seconds"))
            }
            var end: Result<Int64, PortFailure>?
            while end == nil, let next = await group.next() { end = next }
            group.cancelAll()
            return end
        }
        switch counted {
        case .success(let count)?: return count
        case .failure(let failure)?:
            if state.stop.level == .run, !Task.isCancelled { ports.report(.uncounted(failure)) }
            return nil
        case nil: return nil
        }
    }

    /// Reads from the source, also through outages; a refusal ends the runner.
    func read<Value: Sendable>(_ operation: () async throws(PortFailure) -> Value) async -> Value? {
        var rules = CallTries.Rules(.policy(.store))
        rules.endsUnclassified = true
        let caller = PatientCall(rules, time: ports.time, entropy: ports.entropy, stop: state.stop) { failure, wait in
            ports.report(.retrying(.source, failure, after: wait))
        }
        do throws(PatientCall.End) {
            return try await caller.answer(operation)
        } catch {
            if case .failed(let failure) = error { state.end(.fatal(.source, failure), level: .release) }
            return nil
        }
    }
}
