/// How a controller reads the source: with its lease renewed meanwhile, however long an answer takes.
extension Controller {
    /// How long the rows of the source are counted at most, when the plan is complete.
    ///
    /// The number is for the report alone, and only the seal lets a job end: it may not wait for a count that never ends.
    private static let countMax = Duration.seconds(120)

    /// How something ended beside which the controller lease was renewed.
    enum Held<Value: Sendable>: Sendable {
        case done(Value)
        /// Another runner controls; what was being done is given up.
        case lost
    }

    /// Does something that may take longer than the controller lease lasts, and renews the lease meanwhile.
    func holding<Value: Sendable>(
        _ opened: OpenIngestionJob.Answer,
        _ operation: @escaping @Sendable () async -> Value
    ) async -> Held<Value> {
        let done = StopSignal()
        return await withTaskGroup(of: Held<Value>?.self) { group in
            // At once: what is quick begins and ends without a renewal.
            group.addImmediateTask {
                let value = await operation()
                done.raise(.drain)
                return .done(value)
            }
            group.addImmediateTask {
                while done.level == .run, !Task.isCancelled {
                    await ports.time.sleep(for: Self.renewInterval, unless: done, reaches: .drain)
                    guard done.level == .run, !Task.isCancelled else { break }
                    // A store that does not answer says nothing about the lease; each write is checked with it anyway.
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

    /// Counts the rows of the source in one bounded try; nil where that gave no number, whatever the reason.
    func count(through upper: RecordID) async -> Int64? {
        let done = StopSignal()
        let counted = await withTaskGroup(of: Result<Int64, PortFailure>.self) { group in
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
                let seconds = Self.countMax.components.seconds
                return .failure(PortFailure(.unavailable, "counting took more than \(seconds) seconds"))
            }
            let first = await group.next()
            group.cancelAll()
            return first
        }
        switch counted {
        case .success(let count)?: return count
        case .failure(let failure)?:
            if state.stop.level == .run, !Task.isCancelled { ports.report(.uncounted(failure)) }
            return nil
        case nil: return nil
        }
    }

    /// Reads from the source, through outages; a refusal ends the runner.
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
