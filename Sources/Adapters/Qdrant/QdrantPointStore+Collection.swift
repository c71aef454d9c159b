package import Migration

extension QdrantPointStore: Inspectable {
    package func inspect(_ schema: CollectionSchema) async throws(PortFailure) -> CollectionState {
        let version = try await version()
        guard let info = try await info() else {
            return CollectionState(
                exists: false,
                pointCount: 0,
                description: [],
                differences: [],
                server: "Qdrant \(version)"
            )
        }
        let collection = QdrantCollectionInfo(info)
        let count = try await roughCount()
        return CollectionState(
            exists: true,
            pointCount: count,
            description: collection.description,
            differences: Self.difference(ofVersion: version) + collection.differences(from: schema),
            server: "Qdrant \(version)"
        )
    }

    package func ensure(_ schema: CollectionSchema) async throws(PortFailure) -> CollectionState {
        var info = try await info()
        if info == nil {
            do throws(PortFailure) {
                _ = try await call(
                    .put,
                    "?timeout=\(settings.timeout.components.seconds)",
                    QdrantCollectionInfo.create(schema)
                )
            } catch {
                // Another process was faster: its collection is compared like any other.
                guard error.code == "exists" else { throw error }
            }
            info = try await self.info()
        }
        let present = info.map { QdrantCollectionInfo($0).indexedFields } ?? []
        let missing = schema.payloadIndexes.filter { !present.contains($0.field) }
        if let most = strictness.limits?.indexesMax, !missing.isEmpty, present.count + missing.count > most {
            let names = missing.map(\.field).joined(separator: ", ")
            throw PortFailure(
                .unauthorised,
                "the collection has \(present.count) payload indexes, needs \(names) too, and its strict mode allows "
                    + "\(most) in all: raise max_payload_index_count, or drop unused indexes",
                code: QdrantErrorAnswer.overLimit
            )
        }
        // Created before the load: HNSW builds extra links for an index that it knows.
        for index in missing {
            try await apply(.put, "/index", QdrantCollectionInfo.create(index))
        }
        return try await inspect(schema)
    }

    package func inspection() async throws(PortFailure) -> Inspection {
        let version = try await version()
        let product = "Qdrant \(version)"
        var problems = Self.difference(ofVersion: version).map {
            "Qdrant \($0.found) is too old: \($0.expected) is needed"
        }
        guard let info = try await info() else {
            let facts = ["collection \(settings.collection) does not exist yet: `migrate setup` creates it"]
            return Inspection(product: product, facts: facts, problems: problems)
        }
        let count = try await roughCount()
        let status = info["status"]?.string ?? "unknown"
        var facts = ["collection \(settings.collection) is \(status)", "\(count) points"]
        for difference in QdrantCollectionInfo(info).strictDifferences {
            if difference.isFatal { problems.append(difference.sentence) } else { facts.append(difference.sentence) }
        }
        return Inspection(product: product, facts: facts, problems: problems)
    }

    /// `GET /collections/{name}`, or nil if there is no such collection; from then on its limits are in force.
    func info() async throws(PortFailure) -> JSON? {
        let response = try await exchange(.get, "/collections/\(encodedCollection)", [])
        if response.status == 200 {
            let info = try result(response)
            strictness.read(info)
            return info
        }
        let refusal = QdrantErrorAnswer(response, settings.collection)
        if refusal.isMissingCollection { return nil }
        throw refusal.failure
    }

    /// `GET /`, which needs no key.
    private func version() async throws(PortFailure) -> String {
        let response = try await exchange(.get, "/", [])
        guard response.status == 200 else { throw QdrantErrorAnswer(response, settings.collection).failure }
        guard let version = (try? JSON(response.body))?["version"]?.string else {
            throw PortFailure(.unauthorised, "this is not Qdrant's address: check QDRANT_URL")
        }
        return version
    }

    /// 1.10 is the first version with `modifier: idf` and with the query API.
    private static func difference(ofVersion version: String) -> [CollectionState.Difference] {
        let numbers = version.split(separator: ".").prefix(2).compactMap { Int($0) }
        guard numbers.count == 2, (numbers[0], numbers[1]) < (1, 10) else { return [] }
        return [.init(name: "server version", expected: "1.10 or newer", found: version, isFatal: true)]
    }
}
