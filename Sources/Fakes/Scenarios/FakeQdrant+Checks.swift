import Migration
import TextProcessing

/// What the checkers of a simulation look at, past the requests.
extension FakeQdrant {
    /// Every point's payload, ascending by id.
    var payloads: [(id: PointID, payload: [String: JSONValue])] {
        read { collection in
            collection.points.keys.sorted().compactMap { key in
                guard case .uuid(let id) = key, let point = collection.points[key] else { return nil }
                return (id, point.payload)
            }
        } ?? []
    }

    /// How many there are.
    var pointCount: Int { read { $0.points.count } ?? 0 }

    /// Takes the source out of points, as a program that does not know of sources would have written them.
    func unmark(_ ids: [PointID]) {
        let result = Result { () throws(QdrantRefusal) in
            try engine.with(collection) { $0.changePayload(of: ids.map(QdrantPointKey.uuid)) { $0["source"] = nil } }
        }
        precondition((try? result.get()) != nil, "there is no collection \(collection)")
    }

    /// What the server says to a delete whose filter names a key that has no index.
    func deletesUnindexed(_ key: String) throws(PortFailure) {
        do throws(QdrantRefusal) {
            try engine.with(collection) { collection throws(QdrantRefusal) in
                try collection.strict.check(updating: QdrantFilter(must: [.isEmpty(key: key)]), collection.indexes)
            }
        } catch {
            throw error.portFailure
        }
    }

    /// Whether all of these points are there, each with a payload as it must be.
    func all(_ ids: [PointID], _ isRight: ([String: JSONValue]) -> Bool) -> Bool {
        read { collection in
            ids.allSatisfy { id in collection.points[.uuid(id)].map { isRight($0.payload) } ?? false }
        } ?? false
    }

    /// A child whose dense vector is another text's, among every fourth, say, beginning at some place.
    func firstWrongVector(oneOf stride: Int, at start: Int) -> PointID? {
        let words = WordVectors(dimensions: SimulatedWorld.dimensions)
        return read { collection in
            for (place, key) in collection.points.keys.sorted().enumerated() where place % stride == start {
                guard case .uuid(let id) = key, let point = collection.points[key],
                    let text = point.payload["text"]?.string
                else { continue }
                if point.dense["child"] != words.vector(of: text) { return id }
            }
            return nil
        } ?? nil
    }

    private func read<Value>(_ body: (QdrantCollection) -> Value) -> Value? {
        do throws(QdrantRefusal) { return try engine.with(collection) { body($0) } } catch { return nil }
    }
}
