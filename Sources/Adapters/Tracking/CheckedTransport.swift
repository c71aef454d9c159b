package import Foundation
package import Migration
import Synchronization

/// Asks for the version of the tracking SQL before the first call, so that nothing is begun on SQL that this program does
/// not know.
package final class CheckedTransport: RPCTransport {
    private let transport: any RPCTransport
    private let isKnown = Mutex(false)

    package init(_ transport: any RPCTransport) { self.transport = transport }

    package func call(_ function: String, _ parameters: Data) async throws(PortFailure) -> Data {
        if function != SchemaVersion.function, !isKnown.withLock(\.self) {
            let answer = try await transport.call(SchemaVersion.function, Data("{}".utf8))
            let installed = try SchemaVersion.Answer(json: answer)
            if let problem = SchemaInstaller.problem(of: installed) { throw PortFailure(.rejected, problem) }
            isKnown.withLock { $0 = true }
        }
        return try await transport.call(function, parameters)
    }
}

extension SchemaVersion.Answer {
    /// What `schema_version()` answered.
    ///
    /// - Throws: `rejected` when it was not our function.
    init(json: Data) throws(PortFailure) {
        guard let answer = try? TrackingJSON.decodeAnswer(Self.self, from: json) else {
            throw PortFailure(.rejected, "schema_version() is not ours")
        }
        self = answer
    }
}
