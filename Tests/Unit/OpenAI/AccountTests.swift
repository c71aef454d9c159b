import Adapters
import Migration
import Settings
import Testing

@Suite struct `The account at an embeddings server` {
    private static func embedder(
        _ http: any HTTPExchange,
        _ baseURL: String = "https://api.example/v1",
        organization: String? = nil,
        project: String? = nil
    ) -> OpenAIEmbedder {
        let settings = OpenAIEmbedder.Settings(
            baseURL: baseURL,
            key: Secret("s3cret"),
            organization: organization,
            project: project,
            dimensions: 3
        )
        return OpenAIEmbedder(settings, http: http)
    }

    private static func error(_ code: String, _ message: String = "x", type: String = "t") -> String {
        "{\"error\":{\"message\":\"\(message)\",\"type\":\"\(type)\",\"code\":\"\(code)\"}}"
    }

    // MARK: - Money

    /// By status and body; from vendors' pages and public issues.
    @Test(arguments: [
        (400, error("billing_hard_limit_reached")), (403, error("billing_not_active")),
        (429, error("insufficient_quota")),
        (403, error("Arrearage", "Access denied, please make sure your account is in good standing.")),
        (403, error("AccountOverdueError")), (429, error("exceeded_current_quota_error")),
        (400, error("400", "Budget has been exceeded! Current cost: 2, Max budget: 1", type: "budget_exceeded")),
        (401, error("insufficient_balance")), (404, error("insufficient_quota")), (422, error("payment_required")),
        (403, "{\"code\":30001,\"message\":\"Sorry, your account balance is insufficient\",\"data\":null}"),
        (402, "{\"error\":{\"code\":402,\"message\":\"Insufficient credits\"}}"), (402, ""), (402, "<html></html>"),
        (400, "{\"detail\":\"Your credit balance is too low to access the API\"}"),
        (429, "[{\"error\":{\"code\":429,\"message\":\"You exceeded your current quota, please check your plan\"}}]"),
        (200, error("insufficient_quota")), (500, error("insufficient_quota")),
    ])
    func `without money stops, whatever the status`(status: Int, body: String) async {
        let http = ScriptedExchange(status: status, body: body)
        let refused = await failure { () async throws(PortFailure) in try await Self.embedder(http).embed(["a"]) }
        #expect(refused?.kind == .outOfMoney)
        #expect(refused?.detail.contains("status \(status)") == true)
    }

    @Test(arguments: [
        (429, error("429", "You exceeded your current quota. Please retry in 12s.", type: "RESOURCE_EXHAUSTED"), 12.0),
        (429, error("429", "Requests have exceeded call rate limit. Please retry after 26 seconds."), 26),
        (429, error("rate_limit_exceeded", "Please try again in 1 minute"), 60),
        (
            429, error("rate_limit_exceeded", "Limit 1, Used 1, Requested 99999999999999999999. try again in 1h30m"),
            5_400
        ),
        (429, error("rate_limit_exceeded", "Please try again in 36500 days."), 1e7),
        (429, error("rate_limit_exceeded", "Please try again in 3 apples."), nil),
    ])
    func `with a limit of a minute waits`(status: Int, body: String, seconds: Double?) async {
        let http = ScriptedExchange(status: status, body: body)
        let refused = await failure { () async throws(PortFailure) in try await Self.embedder(http).embed(["a"]) }
        #expect(refused?.kind == .throttled(retryAfter: seconds.map { .seconds($0) }))
    }

    /// Numbers in headers and sentences that no calculation must trip over.
    @Test(arguments: [
        "1e400", "inf", "nan", "-1", "99999999999999999999", "1e300", "9223372036854775807", "", " ", "0x7f",
        "Fri, 31 Dec 9999 23:59:59 GMT", "Mon, 01 Jan 0001 00:00:00 GMT",
    ])
    func `bears any number`(number: String) async {
        let digits = String(repeating: "9", count: 400)
        for name in ["retry-after", "retry-after-ms", "x-ratelimit-limit-tokens"] {
            for text in ["Limit \(digits), Requested \(digits)9", "Limit 5, Requested \(digits)", "Limit 0, Used 0"] {
                let http = ScriptedExchange(status: 429, headers: [name: number], body: Self.error("c", text))
                let refused = await failure { () async throws(PortFailure) in
                    try await Self.embedder(http).embed(["a"])
                }
                switch refused?.kind {
                case .throttled(let wait): #expect((wait ?? .zero) <= .seconds(10_000_000))
                default: #expect(refused?.code == "request_too_large")
                }
            }
        }
    }

    // MARK: - Headers

    @Test(arguments: [
        ("https://r.openai.azure.com/openai/v1", true), ("https://r.openai.azure.us/openai/v1", true),
        ("https://r.openai.azure.cn/openai/deployments/d?api-version=2024-10-21", true),
        ("https://R.OpenAI.Azure.US/openai/v1", true), ("https://r.openai.azure.us./openai/v1", true),
        ("https://r.cognitiveservices.azure.com/openai/v1", true), ("https://r.services.ai.azure.com/openai/v1", true),
        ("https://r.azure-api.net/openai", true), ("https://r.azure-api.us/openai", true),
        ("https://azure.com.example/v1", false), ("https://notazure.com/v1", false),
        ("https://api.openai.com/v1", false),
        ("https://openai.azure.com.evil.example/v1", false), ("https://10.0.0.1/azure.com", false),
    ])
    func `is told to Azure and to others in their own way`(baseURL: String, isAzure: Bool) async throws {
        let http = ScriptedExchange(body: "{\"data\":[{\"embedding\":[1,0,0]}]}")
        _ = try await Self.embedder(http, baseURL, organization: "org-1", project: "proj-2").embed(["a"])
        let headers = try #require(http.requests.first).headers
        #expect(headers["api-key"] == (isAzure ? "s3cret" : nil))
        #expect(headers["Authorization"] == (isAzure ? nil : "Bearer s3cret"))
        #expect(headers["OpenAI-Organization"] == (isAzure ? nil : "org-1"))
        #expect(headers["OpenAI-Project"] == (isAzure ? nil : "proj-2"))
    }

    @Test func `without organisation and project names none`() async throws {
        let http = ScriptedExchange(body: "{\"data\":[{\"embedding\":[1,0,0]}]}")
        _ = try await Self.embedder(http).embed(["a"])
        #expect(http.requests[0].headers["OpenAI-Organization"] == nil)
        #expect(http.requests[0].headers["OpenAI-Project"] == nil)
    }

    // MARK: - The shared quota

    private static func name(
        _ baseURL: String = "https://api.openai.com/v1",
        key: String = "sk-s3cret",
        model: String = "m",
        organization: String? = nil,
        project: String? = nil
    ) -> String {
        OpenAIEmbedder.Settings(
            baseURL: baseURL,
            key: Secret(key),
            model: model,
            organization: organization,
            project: project
        ).quotaName
    }

    @Test func `has its own quota, by host, model, organisation, project and key`() {
        let names = [
            Self.name(), Self.name("https://other.example/v1"), Self.name("https://api.openai.com:8443/v1"),
            Self.name(key: "sk-other"), Self.name(key: ""), Self.name(model: "n"), Self.name(organization: "org-1"),
            Self.name(organization: "org-2"), Self.name(project: "org-1x"),
            Self.name(organization: "org-1", project: "p"),
            Self.name("http://api.openai.com:8080/v1"), Self.name(key: "sk-s3cret "),
        ]
        #expect(Set(names).count == names.count)
        #expect(names.allSatisfy { !$0.contains("s3cret") && $0.count <= 403 })
        #expect(names[0].hasPrefix("api.openai.com/m/-/"))
        // The same account however its address is written.
        #expect(Self.name("https://API.openai.com:443/v1/") == names[0])
        // Salted: the same key at another server has another digest.
        #expect(names[0].suffix(16) != names[1].suffix(16))
    }
}
