import Fakes
import Migration

/// `QdrantEngine` as Qdrant's REST interface.
struct QdrantService: ServedService {
    let engine: QdrantEngine
    let key: String
    /// Qdrant's own default.
    let bodyBytesMax = 32 << 20

    func answer(_ request: ServedRequest) async -> ServedAnswer {
        switch request.path {
        case []:
            let version = JSONValue.string(QdrantEngine.version)
            return ServedAnswer(
                200,
                json: ["title": .string(QdrantEngine.product), "version": version, "commit": "stand-in"]
            )
        case ["readyz"]: return ServedAnswer(200, text: "all shards are ready")
        case ["healthz"], ["livez"]: return ServedAnswer(200, text: "healthz check passed")
        default: break
        }
        guard accepts(request) else {
            let given = request.headers["api-key"] ?? request.bearer
            let text =
                given == nil ? "Must provide an API key or an Authorization bearer token" : "Invalid API key or JWT"
            return ServedAnswer(401, text: text)
        }
        guard let route = QdrantRoutes.route(request.method, request.path) else { return ServedAnswer(404, text: "") }
        guard QdrantRoutes.served.contains(route.name) else { return refusal(501, Self.unserved(route.name)) }
        do throws(QdrantRefusal) {
            let options = try QdrantOptions(request.query)
            let body = try body(request, route)
            if let trouble = trouble(with: body, route) { return await ServedAnswer(trouble) }
            let result = try result(request.method, request.path, body, options)
            return ServedAnswer(200, json: ["result": result, "status": "ok", "time": 0.000_1])
        } catch {
            return refusal(error.status, error.text)
        }
    }

    private static func unserved(_ what: String) -> String { "Not implemented: the stand-in does not serve \(what)" }

    func accepts(_ request: ServedRequest) -> Bool { (request.headers["api-key"] ?? request.bearer) == key }

    func error(_ status: Int) -> ServedAnswer {
        switch status {
        case 401: return ServedAnswer(401, text: "Invalid API key or JWT")
        case 429:
            let text = "Operation requires 1 tokens but only 0.0 were available. Retry after 1s"
            var answer = refusal(429, "Rate limiting exceeded: Write rate limit exceeded: \(text)")
            answer.headers.append(("retry-after", "1"))
            return answer
        case 500...: return refusal(status, "Service internal error: a fault of the stand-in")
        default: return refusal(status, "Bad request: a fault of the stand-in")
        }
    }

    var stats: [String: JSONValue] {
        var collections: [String: JSONValue] = [:]
        for name in engine.names {
            let points = try? engine.with(name) { $0.points.count }
            collections[name] = ["points": .integer(Int64(points ?? 0))]
        }
        return ["collections": .object(collections)]
    }

    func reset() {
        for name in engine.names { _ = engine.drop(name) }
    }

    func failure(_ failure: PortFailure) -> ServedAnswer {
        if failure.kind == .unauthorised { return ServedAnswer(401, text: failure.detail) }
        var answer = refusal(failure.status, failure.detail)
        answer.headers += failure.retryHeaders.filter { $0.name == "retry-after" }
        return answer
    }

    /// 400 and not 413, as in Qdrant.
    func tooLarge(_ bytes: Int) -> ServedAnswer {
        refusal(
            400,
            "Payload error: JSON payload (\(bytes) bytes) is larger than allowed (limit: \(bodyBytesMax) bytes)."
        )
    }

    private func refusal(_ status: Int, _ text: String) -> ServedAnswer {
        ServedAnswer(status, json: ["status": ["error": .string(text)], "time": 0.000_1])
    }

    /// The trouble that an upsert with these points meets, if any.
    private func trouble(with body: JSONValue, _ route: QdrantRoutes.Route) -> Trouble? {
        guard route.method == "PUT", route.path.last == "points", engine.hasTroubles else { return nil }
        return (body["points"]?.list ?? []).lazy.compactMap { point in
            point["payload"]?.object.flatMap { engine.trouble(with: $0) }
        }.first
    }

    // MARK: - Routes

    private func result(
        _ method: String,
        _ path: [String],
        _ body: JSONValue,
        _ options: QdrantOptions
    ) throws(QdrantRefusal) -> JSONValue {
        func aliases(_ collection: String?) -> JSONValue {
            let found = engine.aliases.filter { $0.collection == collection ?? $0.collection }
            return [
                "aliases": .list(
                    found.map { ["alias_name": .string($0.alias), "collection_name": .string($0.collection)] }
                )
            ]
        }
        switch (method, path) {
        case ("GET", ["collections"]): return ["collections": .list(engine.names.map { ["name": .string($0)] })]
        case ("GET", ["aliases"]): return aliases(nil)
        case ("POST", ["collections", "aliases"]):
            try engine.changeAliases(json: body)
            return true
        default: break
        }
        let name = path[1]
        let rest = Array(path.dropFirst(2))
        switch (method, rest) {
        case ("PUT", []):
            try engine.create(name, body)
            return true
        case ("DELETE", []): return .bool(engine.drop(name))
        case ("GET", ["exists"]): return ["exists": .bool(engine.contains(name))]
        case ("GET", ["aliases"]): return aliases(name)
        default: break
        }
        return try engine.with(name) { collection throws(QdrantRefusal) in
            try collection.strict.check(timeout: options.timeout)
            if let result = try read(&collection, method, rest, body) { return result }
            if let result = try write(&collection, method, rest, body, isWaiting: options.isWaiting) { return result }
            throw QdrantRefusal(501, Self.unserved("\(method) /\(path.joined(separator: "/"))"))
        }
    }

    private func read(
        _ collection: inout QdrantCollection,
        _ method: String,
        _ path: [String],
        _ body: JSONValue
    ) throws(QdrantRefusal) -> JSONValue? {
        switch (method, path) {
        case ("GET", []): return collection.info
        case ("GET", ["optimizations"]):
            return [
                "summary": [
                    "queued_optimizations": 0, "queued_segments": 0, "queued_points": 0, "idle_segments": 1,
                ],
                "running": [],
            ]
        case ("POST", ["points"]): return try collection.retrieve(json: body)
        case ("POST", ["points", "count"]): return try collection.count(json: body)
        case ("POST", ["points", "scroll"]): return try collection.scroll(json: body)
        case ("POST", ["points", "query"]): return try collection.query(json: body)
        case ("POST", ["points", "query", "batch"]): return try collection.queries(json: body)
        case ("GET", let path) where path.count == 2 && path[0] == "points":
            return try collection.retrieve(path: path[1])
        default: return nil
        }
    }

    private func write(
        _ collection: inout QdrantCollection,
        _ method: String,
        _ path: [String],
        _ body: JSONValue,
        isWaiting: Bool
    ) throws(QdrantRefusal) -> JSONValue? {
        func result(_ operation: Int) -> JSONValue {
            ["operation_id": .integer(Int64(operation)), "status": isWaiting ? "completed" : "acknowledged"]
        }
        switch (method, path) {
        case ("PATCH", []):
            collection.reconfigure(body)
            return true
        case ("PUT", ["index"]): try collection.createIndex(json: body)
        case ("DELETE", let path) where path.count == 2 && path[0] == "index": collection.dropIndex(field: path[1])
        case ("PUT", ["points"]): try collection.upsert(json: body)
        case ("POST", ["points", "delete"]): try collection.delete(json: body)
        case ("POST", ["points", "payload"]): try collection.setPayload(json: body)
        case ("PUT", ["points", "payload"]): try collection.overwritePayload(json: body)
        case ("POST", ["points", "payload", "delete"]): try collection.deletePayload(json: body)
        case ("POST", ["points", "payload", "clear"]): try collection.clearPayload(json: body)
        case ("POST", ["points", "batch"]):
            return try collection.batch(json: body) { results, operation in results.append(result(operation)) }
        default: return nil
        }
        return result(collection.operations)
    }

    /// The body of a request, of the shape that the route has.
    private func body(_ request: ServedRequest, _ route: QdrantRoutes.Route) throws(QdrantRefusal) -> JSONValue {
        guard let shape = route.body else { return [:] }
        let type = request.headers["content-type"]?.split(separator: ";").first.map { $0.lowercased() }
        guard type == "application/json" || type?.hasSuffix("+json") == true else {
            throw QdrantRefusal(400, "Content type error")
        }
        let json: JSONValue
        do throws(JSONParser.Malformed) {
            json = try JSONParser.parse(request.body)
        } catch {
            throw .malformed(error.text)
        }
        do throws(ShapeCheck.Finding) {
            try QdrantRoutes.check.check(json, as: shape)
        } catch {
            switch error {
            case .malformed(let text): throw .malformed(text)
            case .outOfBounds(let path, let text): throw .invalid("\(path): \(text)")
            case .unserved(let what): throw QdrantRefusal(501, Self.unserved(what))
            }
        }
        return json
    }
}

/// What stands behind the `?` of a request.
struct QdrantOptions: Sendable {
    private(set) var isWaiting = false
    private(set) var timeout: Int?

    /// Reads what Qdrant knows, which ignores other names.
    ///
    /// - Parameter query: names and values.
    /// - Throws: a refusal for a value that Qdrant refuses.
    init(_ query: [String: String]) throws(QdrantRefusal) {
        if let wait = query["wait"] {
            guard wait == "true" || wait == "false" else {
                throw Self.refusal("provided string was not `true` or `false`")
            }
            isWaiting = wait == "true"
        }
        if let text = query["timeout"] {
            guard let seconds = UInt32(text) else { throw Self.refusal("invalid digit found in string") }
            guard seconds >= 1 else {
                let text = "timeout: value 0 invalid, must be 1 or larger"
                throw QdrantRefusal(422, "Validation error in query parameters: [\(text)]")
            }
            timeout = Int(seconds)
        }
        for (name, known) in [
            ("ordering", ["weak", "medium", "strong"]), ("consistency", ["majority", "quorum", "all"]),
        ] {
            guard let value = query[name], !known.contains(value) else { continue }
            guard name == "consistency", let factor = UInt32(value), factor > 0 else {
                throw Self.refusal("unknown variant `\(value)`")
            }
        }
    }

    private static func refusal(_ text: String) -> QdrantRefusal {
        QdrantRefusal(400, "Deserialize error in query parameters: \(text)")
    }
}
