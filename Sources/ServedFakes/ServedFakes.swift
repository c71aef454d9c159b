package import Fakes
import FlyingFox
import FlyingSocks
import Foundation
package import Migration
import Synchronization

/// The fakes over HTTP on loopback, each on its own port, so that any program which uses the products' HTTP can use
/// them.
///
/// Every request needs the key; by default each start makes a new random one. Nothing is written to disk: all data is
/// lost when the process ends.
package actor ServedFakes {
    /// A product with a fake.
    package enum Kind: String, Sendable, CaseIterable {
        case openai, qdrant, supabase
    }

    /// Where a fake listens.
    package struct Endpoint: Sendable {
        package let kind: Kind
        /// The product's base URL, in the form of its setting.
        package let url: String
        package let key: String

        /// The settings that lead to it, ready to be pasted into `.env`.
        package var environment: [(name: String, value: String)] {
            switch kind {
            case .openai: [("OPENAI_BASE_URL", url), ("OPENAI_API_KEY", key)]
            case .qdrant: [("QDRANT_URL", url), ("QDRANT_API_KEY", key)]
            case .supabase: [("SUPABASE_URL", url), ("SUPABASE_KEY", key)]
            }
        }
    }

    /// What goes wrong with requests, from the start or until `POST /__reset`.
    package struct Trouble: Sendable {
        package var faults: [ServedFault] = []
        package var latency = ServedLatency()
        /// Chance of the faults and of the latency.
        package var seed: UInt64 = 0

        package init() {}
    }

    private let address: String
    private let port: UInt16
    private let faults: FaultHook
    private let services: [(kind: Kind, service: any ServedService, key: String)]
    private let trouble: Trouble
    private let requests = RequestCount()
    private var servers: [HTTPServer] = []
    private var running: [Task<Void, Never>] = []

    /// Prepares servers for the given fakes.
    ///
    /// - Parameters:
    ///   - openAI: served as `POST /v1/embeddings` and `GET /v1/models`.
    ///   - qdrant: served as Qdrant's REST interface.
    ///   - supabase: served as PostgREST's `/rest/v1/rpc/…`.
    ///   - address: the IPv4 address to listen on; the caller may choose another one than loopback.
    ///   - port: the first fake's port, the next ones follow; 0 = any free ports.
    ///   - key: the key of all fakes; nil = a random one for each.
    ///   - faults: called before and after each request, as `openai POST /v1/embeddings`; a lost answer becomes a 504.
    ///   - trouble: faults and latency of all of them.
    ///   - renewed: makes an empty store in place of `supabase` at `POST /__reset`; nil = it cannot be reset.
    package init(
        openAI: FakeOpenAI? = nil,
        qdrant: QdrantEngine? = nil,
        supabase: (any JobStore)? = nil,
        address: String = "127.0.0.1",
        port: UInt16 = 0,
        key: String? = nil,
        faults: FaultHook = .none,
        trouble: Trouble = Trouble(),
        renewed: (@Sendable () -> any JobStore)? = nil
    ) {
        self.trouble = trouble
        self.address = address
        self.port = port
        self.faults = faults
        var services: [(kind: Kind, service: any ServedService, key: String)] = []
        if let openAI {
            let key = key ?? "sk-" + Self.randomText()
            services.append((.openai, OpenAIService(fake: openAI, key: key), key))
        }
        if let qdrant {
            let key = key ?? Self.randomText()
            services.append((.qdrant, QdrantService(engine: qdrant, key: key), key))
        }
        if let supabase {
            let key = key ?? "sb_secret_" + Self.randomText()
            services.append((.supabase, SupabaseService(store: supabase, key: key, renewed: renewed), key))
        }
        self.services = services
    }

    /// Starts listening.
    ///
    /// - Returns: the address of each fake, in the order openai, qdrant, supabase.
    /// - Throws: `unavailable` when an address or a port is not available.
    package func start() async throws(PortFailure) -> [Endpoint] {
        precondition(servers.isEmpty, "started already")
        var endpoints: [Endpoint] = []
        for (index, (kind, service, key)) in services.enumerated() {
            let wanted = port == 0 ? 0 : port + UInt16(index)
            do {
                let bound = try await listen(wanted, handler(kind, service))
                let host = address == "0.0.0.0" ? "127.0.0.1" : address
                let base = "http://\(host):\(bound)"
                endpoints.append(Endpoint(kind: kind, url: kind == .openai ? base + "/v1" : base, key: key))
            } catch {
                await stop()
                throw PortFailure(.unavailable, "cannot listen on \(address):\(wanted): \(error.localizedDescription)")
            }
        }
        return endpoints
    }

    /// Waits until the servers end: by `stop`, or by cancellation of this task.
    package func run() async {
        let tasks = running
        await withTaskCancellationHandler {
            for task in tasks { await task.value }
        } onCancel: {
            for task in tasks { task.cancel() }
        }
    }

    /// Lets running requests end, for at most five seconds, and stops listening.
    package func stop() async {
        for _ in 0..<500 where requests.count.withLock({ $0 }) > 0 {
            try? await Task.sleep(for: .milliseconds(10))
        }
        await withTaskGroup(of: Void.self) { group in
            // Long enough to send the last answer; idle connections would use up any longer time.
            for server in servers { group.addTask { await server.stop(timeout: 0.05) } }
        }
        for task in running { task.cancel() }
        servers = []
        running = []
    }

    private func handler(_ kind: Kind, _ service: any ServedService) -> ServiceHandler {
        let control = ServiceControl(faults: trouble.faults, latency: trouble.latency, seed: trouble.seed)
        return ServiceHandler(kind: kind, service: service, faults: faults, control: control, requests: requests)
    }

    private func listen(_ port: UInt16, _ handler: ServiceHandler) async throws -> UInt16 {
        let configuration = HTTPServer.Configuration(
            address: try sockaddr_in.inet(ip4: address, port: port),
            timeout: 600,  // a slow embedder is a test's own wish
            sharedRequestBufferSize: 64 << 20,  // read bodies whole: ours are, and streaming them costs more
            pool: NoDelayPool(base: HTTPServer.defaultPool()),
            logger: .disabled
        )
        let server = HTTPServer(config: configuration, handler: handler)
        let (ready, report) = AsyncThrowingStream<Void, any Error>.makeStream()
        // Unstructured on purpose: it lives until `stop`, and `run` waits for it.
        running.append(
            Task {
                do {
                    try await server.run()
                } catch {
                    report.finish(throwing: error)  // a port that is taken ends it at once
                }
            }
        )
        servers.append(server)
        Task {
            try await server.waitUntilListening()
            report.finish()
        }
        for try await _ in ready {}
        guard case .ip4(_, let port)? = await server.listeningAddress else { throw SocketError.unsupportedAddress }
        return port
    }

    private static func randomText() -> String {
        (0..<4).map { _ in String(UInt64.random(in: UInt64.min...UInt64.max), radix: 36) }.joined()
    }
}

/// The number of requests in progress.
private final class RequestCount: Sendable {
    let count = Mutex(0)
}

/// Connects FlyingFox with a service.
private struct ServiceHandler: HTTPHandler {
    let kind: ServedFakes.Kind
    let service: any ServedService
    let faults: FaultHook
    let control: ServiceControl
    let requests: RequestCount

    @concurrent
    func handleRequest(_ request: HTTPRequest) async throws -> HTTPResponse {
        requests.count.withLock { $0 += 1 }
        defer { requests.count.withLock { $0 -= 1 } }
        let length = request.headers[.contentLength].flatMap(Int.init) ?? 0
        if length > service.bodyBytesMax { return Self.response(service.tooLarge(length), to: request.method.rawValue) }
        let served = ServedRequest(
            method: request.method.rawValue,
            path: request.path.split(separator: "/").map { $0.removingPercentEncoding ?? String($0) },
            query: Dictionary(request.query.map { ($0.name, $0.value) }) { _, last in last },
            headers: Dictionary(request.headers.map { ($0.key.rawValue.lowercased(), $0.value) }) { first, _ in first },
            body: try await request.bodyData
        )
        let answer = await answer(served, request.path)
        if served.path.first?.hasPrefix("__") != true { control.count(served, answer.status) }
        return Self.response(answer, to: served.method)
    }

    private func answer(_ request: ServedRequest, _ path: String) async -> ServedAnswer {
        if request.path.first?.hasPrefix("__") == true {
            guard service.accepts(request) else { return service.error(401) }
            let answer = control.answer(request, stats: { service.stats }, reset: { service.reset() })
            return answer ?? ServedAnswer(404, text: "")
        }
        let (wait, effect) = control.decide(path)
        try? await Task.sleep(for: wait)
        switch effect {
        case .status(let status): return service.error(status)
        case .close: return ServedAnswer.closing
        case .hang:
            // Longer than any client waits; the client closes the connection before.
            try? await Task.sleep(for: .seconds(600))
            return service.error(504)
        case .lost, .truncate, .slow, nil: break
        }
        var answer: ServedAnswer
        do throws(PortFailure) {
            answer = try await faults.around("\(kind.rawValue) \(request.method) \(path)") {
                await service.answer(request)
            }
        } catch {
            answer = service.failure(error)
        }
        switch effect {
        case .lost: answer.delivery = .closed
        case .truncate: answer.delivery = .cut
        case .slow(let duration): answer.delivery = .slow(duration)
        case .status, .close, .hang, nil: break
        }
        return answer
    }

    private static func response(_ answer: ServedAnswer, to method: String) -> HTTPResponse {
        var headers = HTTPHeaders()
        // A body behind the answer to HEAD would be read as the beginning of the next answer.
        let isBodiless = method == "HEAD"
        for (name, value) in answer.headers { headers[HTTPHeader(name)] = value }
        let code = HTTPStatusCode(answer.status, phrase: "Status \(answer.status)")
        guard answer.delivery != .whole, !isBodiless else {
            return HTTPResponse(statusCode: code, headers: headers, body: isBodiless ? Data() : answer.body)
        }
        // A body that never comes needs a length that it has not.
        let count = answer.delivery == .closed ? max(1_000, answer.body.count) : answer.body.count
        let body = TroubledBody(bytes: Array(answer.body), delivery: answer.delivery)
        return HTTPResponse(statusCode: code, headers: headers, body: HTTPBodySequence(from: body, count: count))
    }
}

/// The library's socket pool, without the delay of small packets.
///
/// Head and body of an answer are sent in two writes: without this option the second one waits for the client's delayed
/// acknowledgement of the first, about 40 ms per request on a kept-alive connection.
private struct NoDelayPool: AsyncSocketPool {
    let base: any AsyncSocketPool

    func prepare() async throws { try await base.prepare() }
    func run() async throws { try await base.run() }

    func suspendSocket(_ socket: Socket, untilReadyFor events: Socket.Events) async throws {
        try socket.setValue(1, for: NoDelay())
        try await base.suspendSocket(socket, untilReadyFor: events)
    }
}

private struct NoDelay: SocketOption {
    var level: Int32 { Int32(IPPROTO_TCP) }
    var name: Int32 { TCP_NODELAY }
    func makeValue(from socketValue: Int32) -> Int32 { socketValue }
    func makeSocketValue(from value: Int32) -> Int32 { value }
}
