import Migration

/// Calls again, a few times, what may be repeated: every call of the store may.
func patiently<Value>(
    tries: Int = 4,
    pause: Duration = .seconds(1),
    _ call: () async throws(PortFailure) -> Value
) async throws -> Value {
    var left = tries
    while true {
        do {
            return try await call()
        } catch {
            left -= 1
            switch error.kind {
            case .unavailable, .outcomeUnknown, .unclassified:
                if left == 0 { throw error }
                try await Task.sleep(for: pause)
            case .throttled(let retryAfter):
                if left == 0 { throw error }
                // Somebody may be waiting for the command, so no server keeps it for longer.
                try await Task.sleep(for: min(max(retryAfter ?? pause, .zero), .seconds(60)))
            case .rejected, .unauthorised, .outOfMoney, .full, .cancelled: throw error
            }
        }
    }
}
