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
        let count = try await count(nil)
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
                // Somebody else was faster: then it is compared like any other.
                guard error.code == "exists" else { throw error }
            }
            info = try await self.info()
        }
        let present = info.map { QdrantCollectionInfo($0).indexedFields } ?? []
        // Before the load: HNSW builds extra links for an index that it knows of.
        for index in schema.payloadIndexes where !present.contains(index.field) {
            try await apply(.put, "/index", QdrantCollectionInfo.create(index))
        }
        return try await inspect(schema)
    }

    package func inspection() async throws(PortFailure) -> Inspection {
        let version = try await version()
        let product = "Qdrant \(version)"
        let problems = Self.difference(ofVersion: version).map {
            "Qdrant \($0.found) is too old: \($0.expected) is needed"
        }
        guard let info = try await info() else {
            let facts = ["collection \(settings.collection) does not exist yet: `migrate setup` creates it"]
            return Inspection(product: product, facts: facts, problems: problems)
        }
        let count = try await count(nil)
        let status = info["status"]?.string ?? "unknown"
        return Inspection(
            product: product,
            facts: ["collection \(settings.collection) is \(status)", "\(count) points"],
            problems: problems
        )
    }

    /// `GET /collections/{name}`, or nil where there is no such collection.
    private func info() async throws(PortFailure) -> JSON? {
        let response = try await exchange(.get, "/collections/\(encodedCollection)", [])
        if response.status == 200 { return try result(response) }
        let refusal = QdrantRefusal(response, settings.collection)
        if refusal.isMissingCollection { return nil }
        throw refusal.failure
    }

    /// `GET /`, which needs no key.
    private func version() async throws(PortFailure) -> String {
        let response = try await exchange(.get, "/", [])
        guard response.status == 200 else { throw QdrantRefusal(response, settings.collection).failure }
        guard let version = (try? JSON(response.body))?["version"]?.string else {
            throw PortFailure(.unauthorised, "this is not Qdrant's address: check QDRANT_URL")
        }
        return version
    }

    /// 1.10 is the first with `modifier: idf` and with the query API.
    private static func difference(ofVersion version: String) -> [CollectionState.Difference] {
        let numbers = version.split(separator: ".").prefix(2).compactMap { Int($0) }
        guard numbers.count == 2, (numbers[0], numbers[1]) < (1, 10) else { return [] }
        return [.init(name: "server version", expected: "1.10 or newer", found: version, isFatal: true)]
    }
}
