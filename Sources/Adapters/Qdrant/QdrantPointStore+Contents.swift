package import Migration
package import TextProcessing

/// Points by their ids, with their texts.
extension QdrantPointStore {
    package func contents(of ids: [PointID]) async throws(PortFailure) -> [PointContents] {
        var contents: [PointContents] = []
        var rest = ids[...]
        while !rest.isEmpty {
            let left = rest
            let (found, taken) = try await underLimits { limits throws(PortFailure) in
                let part = left.prefix(limits.idsPerRequest)
                let filter = QdrantConditions(must: [.ids(part)])
                var found: [JSON] = []
                try await pages({ QdrantBody.scroll(filter, page: limits.page, from: $0, hasTexts: true) }) {
                    found += $0
                }
                return (found, part.endIndex)
            }
            contents += found.compactMap(PointContents.init)
            rest = left[taken...]
        }
        return contents
    }
}

extension PointContents {
    fileprivate init?(_ json: JSON) {
        guard let point = StoredPoint(json), let payload = json["payload"] else { return nil }
        self.init(
            point: point,
            parentID: payload["parent_id"]?.string,
            text: payload[point.kind == .parent ? "parent_text" : "text"]?.string
        )
    }
}
