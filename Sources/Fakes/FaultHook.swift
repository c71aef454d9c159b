package import Migration

/// A hook before and after each call of a fake, where a test or a simulation may delay the call or let it fail.
///
/// - `before` throws: the call was not carried out.
/// - `after` throws: the call was carried out and its answer is lost; a realistic test throws `outcomeUnknown` there.
/// - Either may suspend for any time; it must handle cancellation itself.
///
/// The hook runs outside the fake's locks, so that it may call the fake itself.
package struct FaultHook: Sendable {
    /// Receives the call's name: an SQL function of the tracking contract (`claim_next_batch`), or service and method
    /// (`mysql.records`, `qdrant.upsert`, `openai.embed`).
    package typealias Step = @Sendable (_ call: String) async throws(PortFailure) -> Void

    private let before: Step?
    private let after: Step?

    /// Does nothing.
    package static let none = Self()

    package init(before: Step? = nil, after: Step? = nil) {
        self.before = before
        self.after = after
    }

    /// Performs one call of a fake between the two steps; `after` runs only if the call returned an answer.
    package func around<Value>(
        _ call: String,
        _ body: () async throws(PortFailure) -> Value
    ) async throws(PortFailure) -> Value {
        try await begin(call)
        let value = try await body()
        try await end(call)
        return value
    }

    /// The step before a call.
    @inline(__always) func begin(_ call: String) async throws(PortFailure) { if let before { try await before(call) } }

    /// The step after a call that has an answer.
    @inline(__always) func end(_ call: String) async throws(PortFailure) { if let after { try await after(call) } }
}
