package import Migration

/// The owners of the points in a collection.
extension QdrantPointStore {
    package func sources(besides source: String) async throws(PortFailure) -> SourcesPresent {
        let own = try await count(nil, owner: PointOwner(source: source, ownsUnmarked: false))
        let unmarked = try await count(.unmarked)
        let others = try await count(.besides([source]))
        return SourcesPresent(
            own: own,
            unmarked: unmarked,
            others: others,
            otherNames: others == 0 ? [] : try await strangers(besides: source)
        )
    }

    package func sample(of source: String?, _ limit: Int) async throws(PortFailure) -> [StoredPoint] {
        let filter = QdrantConditions(must: [.still("source", source)])
        return try await firstPage(filter, limit: min(max(limit, 1), 1_000)).compactMap(StoredPoint.init)
    }

    /// Reads a few points at a time, each time points of sources that were not seen before.
    private func strangers(besides source: String) async throws(PortFailure) -> [String] {
        var seen = [source]
        while seen.count <= min(SourcesPresent.namesMax, try await limits().valuesMax ?? .max) {
            // A source that is no text has no name, and cannot be excluded from the next page.
            let names = try await firstPage(.besides(seen), limit: 100).compactMap { $0["payload"]?["source"]?.string }
            guard let name = names.first(where: { !seen.contains($0) }) else { break }
            seen.append(name)
        }
        return seen.dropFirst().sorted()
    }

    /// The first page of a filter's result.
    private func firstPage(_ filter: QdrantConditions, limit: Int) async throws(PortFailure) -> [JSON] {
        let page = try await underLimits { limits throws(PortFailure) in
            try await call(
                .post,
                "/points/scroll",
                QdrantBody.scroll(filter, page: min(limit, limits.page), from: nil)
            )
        }
        guard let found = page["points"]?.array else { throw unreadable("scroll") }
        return found
    }
}
