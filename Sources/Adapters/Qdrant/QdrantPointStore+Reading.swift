package import Migration
import TextProcessing

/// Reads of a collection.
extension QdrantPointStore {
    package func points(of records: [RecordID], owner: PointOwner) async throws(PortFailure) -> [StoredPoint] {
        var points: [StoredPoint] = []
        var rest = records[...]
        while !rest.isEmpty {
            let left = rest
            let (found, taken) = try await underLimits { limits throws(PortFailure) in
                let part = left.prefix(limits.recordsPerRequest)
                let filter = QdrantConditions.owned(by: owner, [.anyOf("summary_id", Array(part))])
                var found: [JSON] = []
                try await pages({ QdrantBody.scroll(filter, page: limits.page, from: $0) }) { found += $0 }
                return (found, part.endIndex)
            }
            // A source that is no text, for example a number, would read as none, but the filter has excluded it.
            points += found.compactMap(StoredPoint.init)
            rest = left[taken...]
        }
        return points
    }

    package func count(_ kind: PointKind?, owner: PointOwner?) async throws(PortFailure) -> Int {
        try await count(.owned(by: owner, kind.map { [.value("type", $0.rawValue)] } ?? []))
    }

    /// Counts exactly: if the server does not count exactly, page by page.
    func count(_ filter: QdrantConditions) async throws(PortFailure) -> Int {
        try await underLimits { limits throws(PortFailure) in
            if limits.allowsExact { return try await count(filter, isExact: true) }
            var count = 0
            try await pages({ QdrantBody.ids(filter, page: limits.page, from: $0) }) { count += $0.count }
            return count
        }
    }

    private func count(_ filter: QdrantConditions, isExact: Bool) async throws(PortFailure) -> Int {
        let result = try await call(.post, "/points/count", QdrantBody.count(filter, isExact: isExact))
        guard let count = result["count"]?.integer else { throw unreadable("count") }
        return Int(count)
    }

    /// The number of points: an estimate if the server does not count exactly.
    func roughCount() async throws(PortFailure) -> Int {
        let isExact = try await limits().allowsExact
        do throws(PortFailure) { return try await count(QdrantConditions(), isExact: isExact) } catch {
            guard error.code == QdrantErrorAnswer.overLimit, isExact else { throw error }
            return try await count(QdrantConditions(), isExact: false)
        }
    }

    package func search(_ query: HybridQuery) async throws(PortFailure) -> [ScoredPoint] {
        let result = try await underLimits { limits throws(PortFailure) in
            try await call(.post, "/points/query", QdrantBody.search(query, within: limits))
        }
        guard let points = result["points"]?.array else { throw unreadable("query") }
        return points.compactMap(ScoredPoint.init)
    }

    /// Reads all pages of a scroll.
    func pages(
        _ body: (JSON?) -> [UInt8],
        _ take: ([JSON]) -> Void
    ) async throws(PortFailure) {
        var offset: JSON?
        repeat {
            let page = try await call(.post, "/points/scroll", body(offset))
            guard let found = page["points"]?.array else { throw unreadable("scroll") }
            take(found)
            let next = page["next_page_offset"].flatMap { $0.isNull ? nil : $0 }
            // Pages are in the order of ids: an offset that does not change would repeat for ever.
            guard next == nil || (next != offset && !found.isEmpty) else { throw unreadable("scroll") }
            offset = next
        } while offset != nil
    }
}

extension StoredPoint {
    /// Nil for a point of another application: one without a UUID or a record.
    init?(_ json: JSON) {
        guard let id = json["id"]?.string.flatMap({ PointID($0) }), let payload = json["payload"],
            let record = payload["summary_id"]?.integer
        else { return nil }
        self.init(
            id: id,
            recordID: record,
            kind: payload["type"]?.string.flatMap(PointKind.init),
            parentIndex: payload["parent_idx"]?.integer.map { Int($0) },
            chunkIndex: payload["chunk_index"]?.integer.map { Int($0) },
            checksum: payload["checksum"]?.string,
            profile: payload["profile"]?.string,
            source: payload["source"]?.string,
            memberCode: payload["member_code"]?.string,
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
            recordID: record,
            memberCode: payload["member_code"]?.string ?? "",
            text: payload["text"]?.string ?? ""
        )
    }
}
