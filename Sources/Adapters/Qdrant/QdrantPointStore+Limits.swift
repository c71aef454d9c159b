import Migration

/// The limits of strict mode, learned from the collection and from refusals.
extension QdrantPointStore {
    /// The limits in force: requested before the first request, and again by `inspect` and after some refusals.
    func limits() async throws(PortFailure) -> QdrantLimits {
        if let limits = strictness.limits { return limits }
        // If the collection does not exist, the request itself reports that.
        _ = try await info()
        return strictness.limits ?? QdrantLimits()
    }

    /// - Throws: also when no request of the program can stay below them.
    func usableLimits() async throws(PortFailure) -> QdrantLimits {
        let limits = try await limits()
        if let tooLow = limits.tooLow.first { throw tooLow.failure }
        return limits
    }

    /// The highest number of limits that one call learns from refusals: there are seven, and some may be lowered
    /// meanwhile.
    private static let lessonsMax = 10

    /// Performs a request, and repeats it when its refusal has stated an unknown limit.
    func underLimits<Value>(
        _ operation: (QdrantLimits) async throws(PortFailure) -> Value
    ) async throws(PortFailure) -> Value {
        var limits = try await usableLimits()
        var lessons = 0
        while true {
            do throws(PortFailure) { return try await operation(limits) } catch {
                guard QdrantErrorAnswer.ofLimits.contains(error.code), lessons < Self.lessonsMax else { throw error }
                let now = try await usableLimits()
                guard now != limits else { throw error }
                limits = now
                lessons += 1
            }
        }
    }
}
