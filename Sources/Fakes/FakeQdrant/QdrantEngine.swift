import Synchronization
package import TextProcessing

/// Collections by name behind one lock: the engine that `FakeQdrant` and the served fake share.
package final class QdrantEngine: Sendable {
    /// The name that `GET /` returns.
    package static let product = "qdrant - vector search engine"
    /// The version of Qdrant whose rules apply.
    package static let version = "1.19.0"

    private let collections = Mutex<[String: QdrantCollection]>([:])

    private let strictness: JSONValue
    private let troubles = Mutex<(@Sendable ([String: JSONValue]) -> Trouble?)?>(nil)

    /// - Parameter isStrict: whether collections are created with strict mode on, as Qdrant Cloud creates them.
    package init(isStrict: Bool = true) { strictness = isStrict ? QdrantStrictMode.cloud : ["enabled": false] }

    /// Makes upserts over HTTP fail that contain a point with such a payload.
    package func fail(_ troubles: @escaping @Sendable (_ payload: [String: JSONValue]) -> Trouble?) {
        self.troubles.withLock { $0 = troubles }
    }

    package var hasTroubles: Bool { troubles.withLock { $0 != nil } }

    package func trouble(with payload: [String: JSONValue]) -> Trouble? { troubles.withLock(\.self)?(payload) }

    /// Names of the collections, ascending.
    package var names: [String] { collections.withLock { $0.keys.sorted() } }

    /// Works on one collection, under the lock.
    package func with<Value>(
        _ name: String,
        _ body: (inout QdrantCollection) throws(QdrantRefusal) -> Value
    ) throws(QdrantRefusal) -> Value {
        try collections.withLock { collections throws(QdrantRefusal) in
            guard let place = collections.index(forKey: name) else { throw .noCollection(name) }
            return try body(&collections.values[place])
        }
    }

    package func create(_ name: String, _ body: JSONValue) throws(QdrantRefusal) {
        let collection = try QdrantCollection(
            creating: JSONValue.object(["strict_mode_config": strictness]).merged(with: body)
        )
        try collections.withLock { collections throws(QdrantRefusal) in
            guard collections[name] == nil else {
                throw QdrantRefusal(409, "Wrong input: Collection `\(name)` already exists!")
            }
            collections[name] = collection
        }
    }

    /// Writes a point without vectors, as another application may have left it.
    package func write(_ id: PointID, payload: [String: JSONValue], into name: String) throws(QdrantRefusal) {
        try with(name) { collection throws(QdrantRefusal) in
            try collection.upsert([(.uuid(id), QdrantPoint(dense: [:], sparse: [:], payload: payload))])
        }
    }

    /// Deletes a collection; returns whether it existed.
    package func drop(_ name: String) -> Bool { collections.withLock { $0.removeValue(forKey: name) != nil } }
}
