package import Migration
package import Settings
import TextProcessing

/// One Qdrant collection over REST.
///
/// Every write is idempotent and waits until it is applied. Nothing is repeated here, except that a request that the
/// server finds too large is halved, and one that exceeds a limit of its strict mode is sent again below it. One id
/// must not be in two writes at the same time; the engine's leases ensure that.
package struct QdrantPointStore: PointStore {
    package struct Settings: Sendable {
        /// `QDRANT_URL`, with a path if a gateway adds one.
        package var url: String
        /// `QDRANT_API_KEY`; an empty one is not sent.
        package var key: Secret
        package var collection: String
        /// How long the server may take to apply a write; its answer is awaited a little longer.
        package var timeout: Duration
        /// Points per write request; Qdrant recommends 64 to 256.
        package var pointsPerRequestMax: Int
        /// Bytes per write request, unless a single point is longer.
        package var requestBytesMax: Int

        package init(
            url: String,
            key: Secret,
            collection: String,
            timeout: Duration = .seconds(60),
            pointsPerRequestMax: Int = 256,
            requestBytesMax: Int = 5_000_000
        ) {
            precondition(pointsPerRequestMax > 0 && requestBytesMax > 0 && timeout >= .seconds(1))
            self.url = url
            self.key = key
            self.collection = collection
            self.timeout = timeout
            self.pointsPerRequestMax = pointsPerRequestMax
            self.requestBytesMax = requestBytesMax
        }
    }

    /// Points per write of the engine, about 3 MB: one request, because requests are cut at 5 MB.
    package static let pointsPerWrite = 200

    let settings: Settings
    let strictness: QdrantStrictness
    private let http: any HTTPExchange

    package init(_ settings: Settings, http: any HTTPExchange) {
        self.init(settings, http: http, limits: nil)
    }

    /// With known limits that need not be requested.
    init(_ settings: Settings, http: any HTTPExchange, limits: QdrantLimits?) {
        self.settings = settings
        self.http = http
        strictness = QdrantStrictness(limits)
    }

    /// A point as it is written, but without its dense vector, for people to look at.
    package static func document(of point: Point) throws(PortFailure) -> String {
        String(decoding: try QdrantBody.point(point, hasDense: false), as: UTF8.self)
    }

    // MARK: - Writes

    package func upsert(_ points: [Point], within limit: Duration?) async throws(PortFailure) {
        _ = try await usableLimits()
        var parts: [[UInt8]] = []
        var bytes = 0
        for point in points {
            let part = try QdrantBody.point(point)
            guard part.count < QdrantBody.bytesMax else {
                let detail =
                    "point \(point.id) of record \(point.recordID) has \(part.count) bytes, more than Qdrant accepts"
                throw PortFailure(.rejected, detail, code: "point_too_large")
            }
            if parts.count >= pointsPerRequest || (!parts.isEmpty && bytes + part.count > settings.requestBytesMax) {
                try await write(parts[...], within: limit)
                parts.removeAll(keepingCapacity: true)
                bytes = 0
            }
            parts.append(part)
            bytes += part.count + 1
        }
        if !parts.isEmpty { try await write(parts[...], within: limit) }
    }

    /// Updates a point that does not exist, the one with an id of zeros.
    ///
    /// The probe is an update of nothing and not only a deletion: a server whose disk or collection is full can delete
    /// but not write. A server before 1.17 does not know `update_only` and writes the point, so it is deleted again; it
    /// has no vector, and no search finds it meanwhile.
    package func probe() async throws(PortFailure) {
        let id = "00000000-0000-0000-0000-000000000000"
        let point = #"{"id":"\#(id)","vector":{},"payload":{"type":"probe"}}"#
        try await apply(.put, "/points", Array(#"{"points":[\#(point)],"update_mode":"update_only"}"#.utf8))
        try await apply(.post, "/points/delete", Array(#"{"points":["\#(id)"]}"#.utf8))
    }

    /// Points per request; a refusal may lower it at any time.
    private var pointsPerRequest: Int {
        let limits = strictness.limits ?? QdrantLimits()
        return max(1, min(settings.pointsPerRequestMax, limits.pointsMax ?? .max, limits.writesMax ?? .max))
    }

    /// One request, halved as long as the server finds it too large, or as long as it exceeds a limit that was not
    /// stated.
    private func write(_ parts: ArraySlice<[UInt8]>, within limit: Duration?) async throws(PortFailure) {
        do throws(PortFailure) {
            try await underLimits { _ throws(PortFailure) in
                try await apply(.put, "/points", QdrantBody.upsert(parts), within: limit)
            }
        } catch {
            guard QdrantErrorAnswer.splittable.contains(error.code ?? ""), parts.count > 1 else { throw error }
            let middle = parts.startIndex + parts.count / 2
            try await write(parts[..<middle], within: limit)
            try await write(parts[middle...], within: limit)
        }
    }

    package func delete(_ points: [StoredPoint]) async throws(PortFailure) {
        /// The versions in the order in which they first occur, so that requests do not depend on a dictionary's order.
        var versions: [QdrantBody.Version] = []
        var ids: [QdrantBody.Version: [PointID]] = [:]
        for point in points {
            let version = QdrantBody.Version(
                checksum: point.checksum,
                profile: point.profile,
                source: point.source
            )
            if ids[version] == nil { versions.append(version) }
            ids[version, default: []].append(point.id)
        }
        for version in versions {
            try await inParts(ids[version, default: []][...]) { part, limits throws(PortFailure) in
                try await apply(
                    .post,
                    "/points/delete",
                    QdrantBody.delete(part, still: version, within: limits)
                )
            }
        }
    }

    package func mark(_ points: [StoredPoint], source: String) async throws(PortFailure) {
        try await inParts(points.map(\.id)[...]) { part, _ throws(PortFailure) in
            try await apply(.post, "/points/payload", QdrantBody.mark(part, source: source))
        }
    }

    /// Ids in as many requests as the limits require; a part that exceeds an unstated limit is cut again.
    private func inParts(
        _ ids: ArraySlice<PointID>,
        _ send: (ArraySlice<PointID>, QdrantLimits) async throws(PortFailure) -> Void
    ) async throws(PortFailure) {
        var rest = ids
        while !rest.isEmpty {
            let left = rest
            rest = try await underLimits { limits throws(PortFailure) in
                let part = left.prefix(limits.idsPerRequest)
                try await halving(part) { half throws(PortFailure) in try await send(half, limits) }
                return left[part.endIndex...]
            }
        }
    }

    /// Halves a request that the server finds too large.
    private func halving(
        _ ids: ArraySlice<PointID>,
        _ send: (ArraySlice<PointID>) async throws(PortFailure) -> Void
    ) async throws(PortFailure) {
        do throws(PortFailure) { try await send(ids) } catch {
            guard [QdrantErrorAnswer.tooLarge, QdrantErrorAnswer.overBudget].contains(error.code), ids.count > 1 else {
                throw error
            }
            let middle = ids.startIndex + ids.count / 2
            try await halving(ids[..<middle], send)
            try await halving(ids[middle...], send)
        }
    }

    // MARK: - One exchange

    /// A write that returns when it is applied.
    func apply(
        _ method: HTTPRequest.Method,
        _ path: String,
        _ body: [UInt8],
        within limit: Duration? = nil
    ) async throws(PortFailure) {
        let timeout = max(min(limit ?? settings.timeout, settings.timeout), .seconds(1))
        let seconds = min(timeout.components.seconds, strictness.limits?.timeoutMax.map { Int64($0) } ?? .max)
        let result = try await call(method, "\(path)?wait=true&timeout=\(seconds)", body, within: limit)
        switch result["status"]?.string {
        case "completed": return
        case "wait_timeout", "acknowledged":
            // It is queued: it will be applied, but this was not confirmed.
            let detail = "Qdrant accepted a write but did not apply it within \(seconds) s"
            throw PortFailure(.outcomeUnknown, detail, code: "wait_timeout")
        default: throw unreadable("write")
        }
    }

    /// A request about the collection, and its `result`.
    func call(
        _ method: HTTPRequest.Method,
        _ path: String,
        _ body: [UInt8],
        within limit: Duration? = nil
    ) async throws(PortFailure) -> JSON {
        let response = try await exchange(method, "/collections/\(encodedCollection)\(path)", body, within: limit)
        guard response.status == 200 else {
            let refusal = QdrantErrorAnswer(response, settings.collection)
            if refusal.isOverLimit { strictness.learn(refusal.told) }
            throw refusal.failure
        }
        return try result(response)
    }

    func result(_ response: HTTPResponse) throws(PortFailure) -> JSON {
        guard let result = (try? JSON(response.body))?["result"] else { throw unreadable("request") }
        return result
    }

    func exchange(
        _ method: HTTPRequest.Method,
        _ path: String,
        _ body: [UInt8],
        within limit: Duration? = nil
    ) async throws(PortFailure) -> HTTPResponse {
        var headers: HTTPHeaders = [:]
        if !body.isEmpty { headers["Content-Type"] = "application/json" }
        settings.key.withExposedValue { if !$0.isEmpty { headers["api-key"] = $0 } }
        var base = settings.url
        while base.hasSuffix("/") { base.removeLast() }
        return try await http.send(
            HTTPRequest(
                method,
                base + path,
                headers: headers,
                body: body,
                // The server's own time limit comes first, so that its answer shows what became of the request.
                totalTimeout: min(limit ?? settings.timeout, settings.timeout) + .seconds(limit == nil ? 15 : 2)
            )
        )
    }

    /// Names may contain any character; in an address only unreserved characters are written as they are.
    var encodedCollection: String {
        settings.collection.utf8.reduce(into: "") { text, byte in
            let scalar = Unicode.Scalar(byte)
            let isPlain = scalar.isASCII && (scalar.properties.isAlphabetic || scalar.properties.numericType != nil)
            if isPlain || "-._~".unicodeScalars.contains(scalar) {
                text.unicodeScalars.append(scalar)
            } else {
                text += "%" + (byte < 16 ? "0" : "") + String(byte, radix: 16, uppercase: true)
            }
        }
    }

    func unreadable(_ what: String) -> PortFailure {
        PortFailure(
            .outcomeUnknown,
            "the answer to a \(what) of the collection is not what Qdrant sends",
            code: "unreadable_answer"
        )
    }
}
