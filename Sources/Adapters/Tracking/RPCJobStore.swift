import FoundationEssentials
package import Migration

/// The tracking store behind a transport: the same SQL functions over libpq and over PostgREST.
package struct RPCJobStore: JobStore {
    private let transport: any RPCTransport

    package init(_ transport: any RPCTransport) { self.transport = transport }

    /// One call: JSON there, one transaction, JSON back.
    package func perform<Call: TrackingCall>(_ call: Call) async throws(PortFailure) -> Call.Answer {
        let parameters: Data
        do { parameters = try TrackingJSON.encode(call) } catch {
            throw PortFailure(.rejected, "the parameters of \(Call.function) cannot be written as JSON")
        }
        let answer = try await transport.call(Call.function, parameters)
        do { return try TrackingJSON.decodeAnswer(Call.Answer.self, from: answer) } catch {
            throw PortFailure(
                .rejected,
                "the tracking store's answer to \(Call.function) has another shape than this program expects: "
                    + "run `migrate setup` with this version"
            )
        }
    }
}
