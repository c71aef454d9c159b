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
        let given = request.headers["api-key"] ?? request.bearer
        guard given == key else {
            let text =
                given == nil ? "Must provide an API key or an Authorization bearer token" : "Invalid API key or JWT"
            return ServedAnswer(401, text: text)
        }
        if let trouble = trouble(with: request) { return await ServedAnswer(trouble) }
        do throws(QdrantRefusal) {
            guard let result = try result(request) else { return ServedAnswer(404, text: "") }
            return ServedAnswer(200, json: ["result": result, "status": "ok", "time": 0.000_1])
        } catch {
            return refusal(error.status, error.text)
        }
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
    private func trouble(with request: ServedRequest) -> Trouble? {
        guard request.method == "PUT", request.path.last == "points", engine.hasTroubles,
            let body = try? JSONParser.parse(request.body)
        else { return nil }
        return (body["points"]?.list ?? []).lazy.compactMap { point in
            point["payload"]?.object.flatMap { engine.trouble(with: $0) }
        }.first
    }

    // MARK: - Routes

    /// The `result` of a request, or nil if there is no such route.
    private func result(_ request: ServedRequest) throws(QdrantRefusal) -> JSONValue? {
        guard request.path.first == "collections" else { return nil }
        guard request.path.count > 1 else {
            return ["collections": .list(engine.names.map { ["name": .string($0)] })]
        }
        let name = request.path[1]
        let rest = Array(request.path.dropFirst(2))
        let body = try body(request)
        switch (request.method, rest) {
        case ("PUT", []):
            try engine.create(name, body)
            return true
        case ("DELETE", []): return .bool(engine.drop(name))
        case ("GET", ["exists"]): return ["exists": .bool(engine.names.contains(name))]
        default: break
        }
        let isWaiting = ["true", "1"].contains(request.query["wait"])
        let timeout = request.query["timeout"].flatMap { Int($0) }
        return try engine.with(name) { collection throws(QdrantRefusal) in
            try collection.strict.check(timeout: timeout)
            if let result = try read(&collection, request.method, rest, body) { return result }
            return try write(&collection, request.method, rest, body, isWaiting: isWaiting)
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

    private func body(_ request: ServedRequest) throws(QdrantRefusal) -> JSONValue {
        guard !request.body.isEmpty else { return [:] }
        do throws(JSONParser.Malformed) {
            return try JSONParser.parse(request.body)
        } catch {
            throw .malformed(error.text)
        }
    }
}
