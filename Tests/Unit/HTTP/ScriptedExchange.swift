import Adapters
import Migration
import Synchronization

/// Answers requests by a script instead of a network, and keeps them.
final class ScriptedExchange: HTTPExchange {
    private let seen = Mutex<[HTTPRequest]>([])
    private let script: @Sendable (HTTPRequest) -> Result<HTTPResponse, PortFailure>

    init(_ script: @escaping @Sendable (HTTPRequest) -> Result<HTTPResponse, PortFailure>) { self.script = script }

    /// Always the same answer.
    convenience init(status: Int = 200, headers: HTTPHeaders = [:], body: String) {
        let response = HTTPResponse(status: status, headers: headers, body: Array(body.utf8))
        self.init { _ in .success(response) }
    }

    var requests: [HTTPRequest] { seen.withLock { $0 } }

    func send(_ request: HTTPRequest) async throws(PortFailure) -> HTTPResponse {
        seen.withLock { $0.append(request) }
        return try script(request).get()
    }
}

/// How something fails that should; nil when it does not.
func failure<Value>(of body: () async throws(PortFailure) -> Value) async -> PortFailure? {
    do throws(PortFailure) {
        _ = try await body()
        return nil
    } catch {
        return error
    }
}
