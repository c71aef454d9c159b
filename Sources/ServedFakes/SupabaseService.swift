import Fakes
import Foundation
import Migration
import Synchronization

/// Any job store with the interface of Supabase's PostgREST: `POST /rest/v1/rpc/{function}`.
final class SupabaseService: ServedService {
    let key: String
    let bodyBytesMax = 64 << 20
    private let state: Mutex<any JobStore>
    private let renewed: (@Sendable () -> any JobStore)?

    /// - Parameters:
    ///   - store: what answers the calls.
    ///   - key: the only key.
    ///   - renewed: makes an empty store; nil = this service cannot be reset.
    init(store: any JobStore, key: String, renewed: (@Sendable () -> any JobStore)?) {
        state = Mutex(store)
        self.key = key
        self.renewed = renewed
    }

    func accepts(_ request: ServedRequest) -> Bool { request.headers["apikey"] == key }

    func error(_ status: Int) -> ServedAnswer {
        var answer = error(status, status == 401 ? "PGRST301" : "57P03", "a fault of the stand-in")
        if status == 429 { answer.headers.append(("retry-after", "1")) }
        return answer
    }

    var stats: [String: JSONValue] { [:] }

    func reset() {
        if let renewed { state.withLock { $0 = renewed() } }
    }

    func answer(_ request: ServedRequest) async -> ServedAnswer {
        guard let given = request.headers["apikey"] else {
            return error(401, "PGRST301", "No API key found in request", hint: "No `apikey` request header was found.")
        }
        guard given == key else { return error(401, "PGRST301", "Invalid API key", hint: "Check the service key.") }
        if request.path.prefix(2) == ["rest", "v1"], request.path.count == 2 { return ServedAnswer(200, json: [:]) }
        guard request.path.count == 4, request.path.prefix(3) == ["rest", "v1", "rpc"], request.method == "POST" else {
            return error(404, "PGRST125", "Invalid path specified in request URL")
        }
        let name = request.path[3]
        guard let call = TrackingContract.call(of: name) else { return unknown(name) }
        do {
            return ServedAnswer(200, json: try await perform(call, request.body))
        } catch let failure as PortFailure {
            return self.failure(failure)
        } catch DecodingError.keyNotFound(_, let context) where context.codingPath.isEmpty {
            return unknown(name)  // PostgREST finds a function by the names of its parameters
        } catch is DecodingError {
            let isJSON = (try? JSONParser.parse(request.body)) != nil
            return isJSON
                ? error(400, "22P02", "a parameter has another shape") : error(400, "PGRST102", "Empty or invalid json")
        } catch {
            return self.error(500, "XX000", "The function failed")
        }
    }

    func failure(_ failure: PortFailure) -> ServedAnswer {
        let code: String =
            switch failure.kind {
            case .unavailable: "57P03"
            case .unclassified: "XX000"
            case .unauthorised: "42501"
            case .outcomeUnknown, .cancelled: "57014"
            case .throttled, .rejected, .outOfMoney, .full: "P0001"
            }
        var answer = error(failure.status, failure.code ?? code, failure.detail)
        answer.headers += failure.retryHeaders.filter { $0.name == "retry-after" }
        return answer
    }

    func tooLarge(_ bytes: Int) -> ServedAnswer { error(413, "PGRST000", "The request is too large (\(bytes) bytes)") }

    private func unknown(_ name: String) -> ServedAnswer {
        error(404, "PGRST202", "Could not find the function public.\(name) with these parameters in the schema cache")
    }

    private func error(_ status: Int, _ code: String, _ message: String, hint: String? = nil) -> ServedAnswer {
        let body: JSONValue = [
            "code": .string(code), "message": .string(message), "details": .null,
            "hint": hint.map(JSONValue.string) ?? .null,
        ]
        return ServedAnswer(status, json: body)
    }

    /// Performs the call in a request.
    private func perform<Call: TrackingCall>(_ type: Call.Type, _ body: Data) async throws -> Data {
        let call = try TrackingJSON.decodeCall(type, from: body.isEmpty ? Data("{}".utf8) : body)
        let store = state.withLock(\.self)
        return try TrackingJSON.encodeAnswer(await store.perform(call))
    }
}
