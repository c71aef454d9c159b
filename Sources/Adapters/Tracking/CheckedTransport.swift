package import FoundationEssentials
package import Migration
import Synchronization

/// Asks for the version of the tracking SQL before the first call, so that no work begins on SQL that this program does
/// not know; and waits when a required function is missing.
///
/// PostgREST finds functions in a cache, which is stale for some seconds after `migrate setup` has changed them. That
/// must not end workers at work; but if the SQL was never seen, there is nothing to wait for.
package final class CheckedTransport: RPCTransport {
    /// The waits before the repeats: five tries over ten seconds.
    private static let waits: [Duration] = [.seconds(1), .seconds(2), .seconds(3), .seconds(4)]

    private let transport: any RPCTransport
    private let time: Time
    private let isKnown = Mutex(false)

    package init(_ transport: any RPCTransport, time: Time) {
        self.transport = transport
        self.time = time
    }

    package func call(_ function: String, _ parameters: Data) async throws(PortFailure) -> Data {
        guard function != SchemaVersion.function else { return try await transport.call(function, parameters) }
        if !isKnown.withLock(\.self) {
            let answer = try await transport.call(SchemaVersion.function, Data("{}".utf8))
            let installed = try SchemaVersion.Answer(json: answer)
            if let problem = SchemaInstaller.problem(of: installed) { throw PortFailure(.rejected, problem) }
            isKnown.withLock { $0 = true }
        }
        let rules = CallTries.Rules(.fixed(Self.waits))
        let call = PatientCall(rules, while: { $0.tellsOfMissingSQL }, time: time)
        do throws(PatientCall.End) {
            return try await call.answer { () async throws(PortFailure) in
                try await transport.call(function, parameters)
            }
        } catch {
            switch error {
            case .stopped: throw PortFailure(.cancelled, "cancelled while waiting for the function \(function)")
            case .failed(let failure): throw Self.inMidRun(failure)
            }
        }
    }

    /// The meaning of a refusal by a store that has worked before: a gateway that finds no route to it (404 without a
    /// PostgREST code) is being restarted or set up again.
    private static func inMidRun(_ failure: PortFailure) -> PortFailure {
        guard failure.kind == .rejected, failure.code?.hasPrefix(PostgRESTError.gatewayCode) == true else {
            return failure
        }
        return PortFailure(SQLStateTable.unknown, failure.detail, code: failure.code)
    }
}

extension SchemaVersion.Answer {
    /// Reads the answer of `schema_version()`.
    ///
    /// - Throws: `rejected` when the answer comes from another program's function.
    init(json: Data) throws(PortFailure) {
        guard let answer = try? TrackingJSON.decodeAnswer(Self.self, from: json) else {
            throw PortFailure(.rejected, "another program's function schema_version() is in the way: rename it")
        }
        self = answer
    }
}
