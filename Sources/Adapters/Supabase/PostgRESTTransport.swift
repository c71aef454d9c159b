package import FoundationEssentials
package import Migration
package import Settings

/// Calls the tracking functions through PostgREST, as Supabase offers it.
package struct PostgRESTTransport: RPCTransport {
    private let base: String
    private let headers: HTTPHeaders
    private let exchange: any HTTPExchange
    private let timeout: Duration

    /// Checks the key; sends nothing.
    ///
    /// A key of the new kind (`sb_secret_…`) is no JWT and is sent only in `apikey`; a JWT is sent there and in
    /// `Authorization`, from which PostgREST takes the role.
    ///
    /// - Parameters:
    ///   - url: the project's address, `https://PROJECT.supabase.co`.
    ///   - key: the secret key, or the JWT of `service_role`.
    ///   - exchange: sends the requests.
    ///   - timeout: the time of one call, from its start to the last byte; longer than the server's own 8 seconds.
    /// - Throws: `unauthorised` for a key that may not call the functions, with the kind of the key.
    package init(
        url: String,
        key: Secret,
        exchange: any HTTPExchange,
        timeout: Duration = .seconds(15)
    ) throws(PortFailure) {
        let (kind, isToken) = key.withExposedValue { (SupabaseKeyKind($0), $0.split(separator: ".").count == 3) }
        if case .refused(let name) = kind {
            throw PortFailure(
                .unauthorised,
                "SUPABASE_KEY is the \(name) key, which may not touch the job tracking: use the secret (service_role) key"
            )
        }
        var headers: HTTPHeaders = ["Content-Type": "application/json", "Accept": "application/json"]
        key.withExposedValue {
            headers["apikey"] = $0
            if isToken { headers["Authorization"] = "Bearer \($0)" }
        }
        self.headers = headers
        base = String(url.reversed().drop { $0 == "/" }.reversed()) + "/rest/v1/rpc/"
        self.exchange = exchange
        self.timeout = timeout
    }

    package func call(_ function: String, _ parameters: Data) async throws(PortFailure) -> Data {
        // Always POST, because with GET the transaction would be read-only.
        let response = try await exchange.send(
            HTTPRequest(.post, base + function, headers: headers, body: Array(parameters), totalTimeout: timeout)
        )
        if let failure = PostgRESTError.failure(of: response) { throw failure }
        return Data(response.body)
    }
}

extension PostgRESTTransport: Inspectable {
    package func inspection() async throws(PortFailure) -> Inspection {
        do throws(PortFailure) {
            let installed = try SchemaVersion.Answer(json: try await call(SchemaVersion.function, Data("{}".utf8)))
            return Inspection(
                product: "Supabase (PostgREST)",
                facts: ["tracking SQL version \(installed.version)"],
                problems: SchemaInstaller.problem(of: installed).map { [$0] } ?? []
            )
        } catch {
            guard let code = error.code, ["PGRST202", "42883"].contains(code) else { throw error }
            return Inspection(product: "Supabase (PostgREST)", facts: [], problems: [error.detail])
        }
    }
}

/// The meaning of an answer of PostgREST, or of a gateway in front of it.
enum PostgRESTError {
    /// PostgREST's error body; a gateway's has no code.
    private struct Body: Decodable {
        let code: String?
        let message: String?
    }

    /// Nil for a good answer: a success whose body is a JSON object, which every function returns.
    ///
    /// The code decides first: contention (40001), for example, has status 500, like an internal error.
    static func failure(of response: HTTPResponse) -> PortFailure? {
        let trimmed = response.body.drop { $0 <= 0x20 }
        let isObject = trimmed.first == UInt8(ascii: "{")
        if response.isSuccess {
            let isWhole = isObject && trimmed.last { $0 > 0x20 } == UInt8(ascii: "}")
            return isWhole ? nil : PortFailure(.outcomeUnknown, "the tracking store's answer is not JSON")
        }
        let body = isObject ? try? JSONDecoder().decode(Body.self, from: Data(response.body)) : nil
        let status = response.status
        let said = "the tracking store answered HTTP \(status)"
        if status == 429 || status == 503 && body?.code == nil && retryAfter(response) != nil {
            return PortFailure(.throttled(retryAfter: retryAfter(response)), "\(said): too many requests")
        }
        if let code = body?.code, isOfDatabase(code) {
            return PortFailure(sqlState: code, message: body?.message ?? "")
        }
        let isBlocked = status == 403 && body == nil
        return PortFailure(
            kind(of: status, isJSON: body != nil),
            said + hint(status, isJSON: body != nil),
            code: isBlocked ? PortFailure.blocked : "\(gatewayCode) \(status)"
        )
    }

    /// The beginning of the codes of answers that neither PostgREST nor the database gave, but something in front of
    /// them.
    static let gatewayCode = "HTTP"

    /// The kind if only the status is known.
    static func kind(of status: Int, isJSON: Bool) -> PortFailure.Kind {
        switch status {
        case 401: .unauthorised
        // An HTML page in place of an answer: from a firewall or a challenge, which may pass. Kong and PostgREST send
        // JSON.
        case 403: isJSON ? .unauthorised : SQLStateTable.unknown
        case 402: .outOfMoney
        // Supabase: the project is paused.
        case 540: .unauthorised
        case 408, 425: .unavailable
        // From something in front of PostgREST, which may have passed the call on; or PostgREST itself broke.
        case 500...: .outcomeUnknown
        default: .rejected
        }
    }

    /// Whether a code is an SQLSTATE or PostgREST's own; gateways send words and numbers instead.
    private static func isOfDatabase(_ code: String) -> Bool {
        code.hasPrefix("PGRST") || code.wholeMatch(of: /[0-9A-Z]{5}/) != nil
    }

    private static func hint(_ status: Int, isJSON: Bool) -> String {
        switch status {
        case 403 where !isJSON: ": something in front of it, such as a firewall, refuses access"
        case 401, 403: ": it refuses the key; check SUPABASE_KEY"
        case 402: ": the project is restricted, because its plan is used up; see Supabase's dashboard"
        case 540: ": the project is paused; restore it in Supabase's dashboard"
        case 300..<400, 404, 405: ": check SUPABASE_URL"
        default: ""
        }
    }

    /// Whole seconds, as Supabase sends them.
    private static func retryAfter(_ response: HTTPResponse) -> Duration? {
        response.headers["Retry-After"].flatMap { Int($0) }.flatMap { (0...86_400).contains($0) ? .seconds($0) : nil }
    }
}
