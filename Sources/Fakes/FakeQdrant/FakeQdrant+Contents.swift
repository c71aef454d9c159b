package import Migration
package import TextProcessing

/// The content of the collection, read and changed without requests: for checkers, and for what other programs do.
extension FakeQdrant {
    /// Every point's payload, ascending by id.
    package var payloads: [(id: PointID, payload: [String: JSONValue])] {
        read { collection in
            collection.points.keys.sorted().compactMap { key in
                guard case .uuid(let id) = key, let point = collection.points[key] else { return nil }
                return (id, point.payload)
            }
        } ?? []
    }

    /// The number of points.
    package var pointCount: Int { read { $0.points.count } ?? 0 }

    /// Removes the source from points, as if a program that does not know sources had written them.
    package func unmark(_ ids: [PointID]) {
        let result = Result { () throws(QdrantRefusal) in
            try engine.with(collection) { $0.changePayload(of: ids.map(QdrantPointKey.uuid)) { $0["source"] = nil } }
        }
        precondition((try? result.get()) != nil, "there is no collection \(collection)")
    }

    /// Whether all of these points exist, each with a payload that is right.
    package func all(_ ids: [PointID], _ isRight: ([String: JSONValue]) -> Bool) -> Bool {
        read { collection in
            ids.allSatisfy { id in collection.points[.uuid(id)].map { isRight($0.payload) } ?? false }
        } ?? false
    }

    /// The texts and dense vectors of child points; it looks at every `stride`-th point in the order of ids, from place `start` on.
    package func vectors(
        oneOf stride: Int,
        at start: Int
    ) -> [(id: PointID, text: String, vector: [Float]?)] {
        read { collection in
            collection.points.keys.sorted().enumerated().compactMap { place, key in
                guard place % stride == start, case .uuid(let id) = key, let point = collection.points[key],
                    let text = point.payload["text"]?.string
                else { return nil }
                return (id, text, point.dense["child"])
            }
        } ?? []
    }

    /// Sets the lists of a record's points, as a program does that knows nothing of versions.
    ///
    /// - Returns: whether the record has any points.
    package func setLists(
        of record: RecordID,
        _ owner: PointOwner,
        sparing others: Set<PointID>,
        to lists: [Int64]
    ) -> Bool {
        let result = Result { () throws(QdrantRefusal) in
            try engine.with(collection) { collection in
                let keys = collection.keys(QdrantFilter(must: [.match(key: "summary_id", any: [.integer(record)])]))
                    .filter { key in
                        guard case .uuid(let id) = key, !others.contains(id) else { return false }
                        let source = collection.points[key]?.payload["source"]?.string
                        return source == nil || source == owner.source
                    }
                collection.changePayload(of: keys) { $0["collection_ids"] = .list(lists.map(JSONValue.integer)) }
                return !keys.isEmpty
            }
        }
        return (try? result.get()) ?? false
    }

    private func read<Value>(_ body: (QdrantCollection) -> Value) -> Value? {
        do throws(QdrantRefusal) { return try engine.with(collection) { body($0) } } catch { return nil }
    }
}
