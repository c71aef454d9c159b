package import Migration
import TextProcessing

/// One Qdrant collection over REST.
///
/// Every write is idempotent and waits until it is applied. Nothing is tried again here, but a request that the server
/// finds too large is halved. One id must not be in two writes at the same time; the engine's leases see to that.
package struct QdrantPointStore: PointStore {
    /// Where, as whom, and how much at once.
    package struct Settings: Sendable {
        /// `QDRANT_URL`, with a path where a gateway adds one.
        package var url: String
        /// `QDRANT_API_KEY`; an empty one is not sent.
        package var key: Secret
        /// `QDRANT_COLLECTION_NAME`.
        package var collection: String
        /// How long the server may take to apply a write; its answer is awaited a little longer.
        package var timeout: Duration
        /// Points in one write request; Qdrant's advice is 64 to 256.
        package var pointsPerRequestMax: Int
        /// Bytes of one write request, unless a single point is longer.
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

    let settings: Settings
    private let http: any HTTPExchange

    package init(_ settings: Settings, http: any HTTPExchange) {
        self.settings = settings
        self.http = http
    }

    /// A point as it is written, but without its dense vector: for people who want to see it.
    package static func document(of point: Point) throws(PortFailure) -> String {
        String(decoding: try QdrantBody.point(point, hasDense: false), as: UTF8.self)
    }

    package func points(of records: [RecordID]) async throws(PortFailure) -> [StoredPoint] {
        guard !records.isEmpty else { return [] }
        var points: [StoredPoint] = []
        var offset: JSON?
        repeat {
            let page = try await call(.post, "/points/scroll", QdrantBody.scroll(records, from: offset))
            guard let found = page["points"]?.array else { throw unreadable("scroll") }
            points += found.compactMap(StoredPoint.init)
            let next = page["next_page_offset"].flatMap { $0.isNull ? nil : $0 }
            // Pages are in order of id: an offset that stays would go round for ever.
            guard next == nil || (next != offset && !found.isEmpty) else { throw unreadable("scroll") }
            offset = next
        } while offset != nil
        return points
    }

    package func upsert(_ points: [Point]) async throws(PortFailure) {
        var parts: [[UInt8]] = []
        var bytes = 0
        for point in points {
            let part = try QdrantBody.point(point)
            guard part.count < QdrantBody.bytesMax else {
                let detail =
                    "point \(point.id) of record \(point.summaryID) has \(part.count) bytes, more than Qdrant takes"
                throw PortFailure(.rejected, detail, code: "point_too_large")
            }
            if parts.count == settings.pointsPerRequestMax
                || (!parts.isEmpty && bytes + part.count > settings.requestBytesMax)
            {
                try await write(parts[...])
                parts.removeAll(keepingCapacity: true)
                bytes = 0
            }
            parts.append(part)
            bytes += part.count + 1
        }
        if !parts.isEmpty { try await write(parts[...]) }
    }

    /// One request, halved for as long as the server finds it too large.
    private func write(_ parts: ArraySlice<[UInt8]>) async throws(PortFailure) {
        do throws(PortFailure) {
            try await apply(.put, "/points", QdrantBody.upsert(parts))
        } catch {
            guard error.code == QdrantRefusal.tooLarge, parts.count > 1 else { throw error }
            let middle = parts.startIndex + parts.count / 2
            try await write(parts[..<middle])
            try await write(parts[middle...])
        }
    }

    package func delete(_ points: [StoredPoint]) async throws(PortFailure) {
        /// What was seen, in order of first appearance, so that requests do not depend on a dictionary's order.
        var versions: [QdrantBody.Version] = []
        var ids: [QdrantBody.Version: [PointID]] = [:]
        for point in points {
            let version = QdrantBody.Version(checksum: point.checksum, profile: point.profile)
            if ids[version] == nil { versions.append(version) }
            ids[version, default: []].append(point.id)
        }
        for version in versions {
            var rest = ids[version, default: []][...]
            while !rest.isEmpty {
                try await apply(.post, "/points/delete", QdrantBody.delete(rest.prefix(1_000), still: version))
                rest = rest.dropFirst(1_000)
            }
        }
    }

    package func count(_ kind: PointKind?) async throws(PortFailure) -> Int {
        let result = try await call(.post, "/points/count", QdrantBody.count(kind))
        guard let count = result["count"]?.integer else { throw unreadable("count") }
        return Int(count)
    }

    package func search(_ query: HybridQuery) async throws(PortFailure) -> [ScoredPoint] {
        let result = try await call(.post, "/points/query", QdrantBody.search(query))
        guard let points = result["points"]?.array else { throw unreadable("query") }
        return points.compactMap(ScoredPoint.init)
    }

    // MARK: - One exchange

    /// A write, and the answer that it is applied.
    func apply(_ method: HTTPRequest.Method, _ path: String, _ body: [UInt8]) async throws(PortFailure) {
        let seconds = settings.timeout.components.seconds
        let result = try await call(method, "\(path)?wait=true&timeout=\(seconds)", body)
        switch result["status"]?.string {
        case "completed": return
        case "wait_timeout", "acknowledged":
            // Queued: it will be applied, but nobody has said that it is.
            let detail = "Qdrant accepted a write but did not apply it within \(seconds) s"
            throw PortFailure(.outcomeUnknown, detail, code: "wait_timeout")
        default: throw unreadable("write")
        }
    }

    /// A request about the collection, and its `result`.
    func call(_ method: HTTPRequest.Method, _ path: String, _ body: [UInt8]) async throws(PortFailure) -> JSON {
        let response = try await exchange(method, "/collections/\(encodedCollection)\(path)", body)
        guard response.status == 200 else { throw QdrantRefusal(response, settings.collection).failure }
        return try result(response)
    }

    func result(_ response: HTTPResponse) throws(PortFailure) -> JSON {
        guard let result = (try? JSON(response.body))?["result"] else { throw unreadable("request") }
        return result
    }

    func exchange(_ method: HTTPRequest.Method, _ path: String, _ body: [UInt8]) async throws(PortFailure)
        -> HTTPResponse
    {
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
                totalTimeout: settings.timeout + .seconds(15)
            )
        )
    }

    /// Names may hold any character; in an address only the unreserved ones stand for themselves.
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
        PortFailure(.outcomeUnknown, "the answer to a \(what) of the collection is not what Qdrant sends")
    }
}

extension StoredPoint {
    /// Nil for a point of somebody else: one without a UUID or a record.
    fileprivate init?(_ json: JSON) {
        guard let id = json["id"]?.string.flatMap({ PointID($0) }), let payload = json["payload"],
            let record = payload["summary_id"]?.integer
        else { return nil }
        self.init(
            id: id,
            summaryID: record,
            kind: payload["type"]?.string.flatMap(PointKind.init),
            parentIndex: payload["parent_idx"]?.integer.map { Int($0) },
            chunkIndex: payload["chunk_index"]?.integer.map { Int($0) },
            checksum: payload["checksum"]?.string,
            profile: payload["profile"]?.string,
            collectionIDs: payload["collection_ids"]?.array?.compactMap(\.integer) ?? []
        )
    }
}

extension ScoredPoint {
    fileprivate init?(_ json: JSON) {
        guard let id = json["id"]?.string.flatMap({ PointID($0) }), let payload = json["payload"],
            let record = payload["summary_id"]?.integer
        else { return nil }
        self.init(
            id: id,
            score: json["score"]?.double ?? 0,
            summaryID: record,
            memberCode: payload["member_code"]?.string ?? "",
            text: payload["text"]?.string ?? ""
        )
    }
}
