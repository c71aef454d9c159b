import Adapters
import Fakes
import Foundation
import Migration
import Testing

@testable import ServedFakes

@Suite struct `Faults from outside` {
    private static let time = Time(ContinuousClock())

    private func ask(
        _ trouble: ServedFakes.Trouble = ServedFakes.Trouble(),
        _ body: (_ url: String, _ key: String, CurlClient) async throws -> Void
    ) async throws {
        let served = ServedFakes(openAI: FakeOpenAI(dimensions: 4, time: Self.time, effectsMax: 100), trouble: trouble)
        let endpoint = try #require(try await served.start().first)
        do {
            try await body(endpoint.url, endpoint.key, try CurlClient(CurlClient.Options(environment: [:])))
        } catch {
            await served.stop()
            throw error
        }
        await served.stop()
    }

    private func request(_ method: HTTPRequest.Method, _ url: String, _ key: String, _ body: String = "") -> HTTPRequest
    {
        let headers: HTTPHeaders = ["authorization": "Bearer \(key)", "content-type": "application/json"]
        return HTTPRequest(method, url, headers: headers, body: Array(body.utf8))
    }

    private static let question = #"{"input": "a b", "model": "text-embedding-3-small"}"#

    @Test(arguments: [
        ("0.05:503", ServedFault(probability: 0.05, .status(503))), ("1:lost", ServedFault(.lost)),
        ("0.5:slow=2.5", ServedFault(probability: 0.5, .slow(.milliseconds(2_500)))),
        ("0:hang", ServedFault(probability: 0, .hang)),
    ])
    func `are read`(text: String, fault: ServedFault) throws {
        #expect(try ServedFault(text) == fault)
    }

    @Test(arguments: [
        "", "503", "2:503", "0.1:200", "0.1:", "x:503", "0.1:slow", "0.1:slow=-1", "0.1:slow=601", "nan:503",
    ])
    func `are refused with what is expected`(text: String) {
        let error = #expect(throws: ServedFault.Malformed.self) { try ServedFault(text) }
        #expect(error?.description.contains("expected") == true)
    }

    @Test func `strike their share, as often as they are told, on their path`() {
        func strikes(_ fault: ServedFault, _ requests: [(path: String, chance: Double)]) -> [Bool] {
            var fault = fault
            return requests.map { fault.strikes($0.path, $0.chance) }
        }
        let half = ServedFault(probability: 0.5, .close, path: "embed")
        #expect(strikes(half, [("/embed", 0.49), ("/embed", 0.5), ("/models", 0)]) == [true, false, false])
        let requests = Array(repeating: (path: "/", chance: 0.0), count: 7)
        #expect(strikes(ServedFault(.close, count: 2), requests) == [true, true, false, false, false, false, false])
        #expect(strikes(ServedFault(.close, every: 3), requests) == [false, false, true, false, false, true, false])
    }

    @Test func `are set, shown and ended over HTTP, and requests are counted`() async throws {
        try await ask { url, key, http in
            let base = String(url.dropLast(3))
            let set = #"[{"fault": 503, "count": 1, "path": "embeddings"}]"#
            #expect(try await http.send(request(.post, base + "/__faults", key, set)).status == 200)
            #expect(try await http.send(request(.post, url + "/embeddings", key, Self.question)).status == 503)
            #expect(try await http.send(request(.post, url + "/embeddings", key, Self.question)).status == 200)
            let stats = try JSONParser.parse(Data(try await http.send(request(.get, base + "/__stats", key)).body))
            #expect(stats["texts"] == 1 && stats["different_texts"] == 1, "\(stats)")
            #expect(stats["answers"]?["POST /v1/embeddings"] == ["200": 1, "503": 1], "\(stats)")
            #expect(try await http.send(request(.post, base + "/__reset", key)).status == 200)
            let empty = try JSONParser.parse(Data(try await http.send(request(.get, base + "/__stats", key)).body))
            #expect(empty["texts"] == 0 && empty["answers"] == [:], "\(empty)")
            #expect(try await http.send(request(.get, base + "/__stats", "wrong")).status == 401)
            for wrong in [
                "{}", #"[{"fault": "boom"}]"#, #"[{"fault": 503, "x": 1}]"#, "[", #"[{"fault": 503, "count": -1}]"#,
            ] {
                #expect(try await http.send(request(.post, base + "/__faults", key, wrong)).status == 400, "\(wrong)")
            }
        }
    }

    @Test(arguments: [ServedFault.Effect.close, .lost, .truncate])
    func `end the connection, and lose the work or only the answer`(effect: ServedFault.Effect) async throws {
        var trouble = ServedFakes.Trouble()
        trouble.faults = [ServedFault(effect, path: "embeddings")]
        try await ask(trouble) { url, key, http in
            let failure = await #expect(throws: PortFailure.self) {
                try await http.send(request(.post, url + "/embeddings", key, Self.question))
            }
            #expect(failure?.kind == .outcomeUnknown, "\(String(describing: failure))")
            let base = String(url.dropLast(3))
            let stats = try JSONParser.parse(Data(try await http.send(request(.get, base + "/__stats", key)).body))
            #expect(stats["texts"] == (effect == .close ? 0 : 1), "\(stats)")
        }
    }

    @Test func `a slow body arrives whole`() async throws {
        var trouble = ServedFakes.Trouble()
        trouble.faults = [ServedFault(.slow(.milliseconds(100)))]
        trouble.latency = ServedLatency(median: .milliseconds(1), sigma: 0.5)
        try await ask(trouble) { url, key, http in
            let answer = try await http.send(request(.post, url + "/embeddings", key, Self.question))
            let json = try JSONParser.parse(Data(answer.body))
            #expect(answer.status == 200 && json["data"]?.list?.first?["embedding"]?.list?.count == 4)
        }
    }

    @Test func `models have their lengths, and shorter vectors are their beginning`() async throws {
        let served = ServedFakes(openAI: FakeOpenAI(time: Self.time))
        let endpoint = try #require(try await served.start().first)
        let http = try CurlClient(CurlClient.Options(environment: [:]))
        func vector(_ members: String) async throws -> (status: Int, floats: [Float]) {
            let body = #"{"input": "a ferry at dawn, and some more words of a long text", \#(members)}"#
            let answer = try await http.send(request(.post, endpoint.url + "/embeddings", endpoint.key, body))
            let json = try JSONParser.parse(Data(answer.body))
            return (answer.status, json["data"]?.list?.first?["embedding"]?.floats ?? [])
        }
        let whole = try await vector(#""model": "text-embedding-3-small""#).floats
        let part = try await vector(#""model": "text-embedding-3-small", "dimensions": 512"#).floats
        #expect(whole.count == 1_536 && part.count == 512)
        let length = whole.prefix(512).reduce(0) { $0 + $1 * $1 }.squareRoot()
        #expect(zip(part, whole).allSatisfy { abs($0 - $1 / length) < 1e-5 } && length > 0)
        #expect(try await vector(#""model": "text-embedding-3-large""#).floats.count == 3_072)
        #expect(try await vector(#""model": "text-embedding-ada-002", "dimensions": 8"#).status == 400)
        #expect(try await vector(#""model": "text-embedding-3-small", "dimensions": 1537"#).status == 400)
        #expect(try await vector(#""model": "other""#).status == 404)
        await served.stop()
    }
}
