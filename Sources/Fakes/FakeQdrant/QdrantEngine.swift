import Synchronization
package import TextProcessing

/// Collections by name behind one lock: the engine that `FakeQdrant` and the served fake share.
package final class QdrantEngine: Sendable {
    /// The name that `GET /` returns.
    package static let product = "qdrant - vector search engine"
    /// The version of Qdrant whose rules apply.
    package static let version = "1.19.0"

    /// Collections by name, and the other names that lead to them.
    private struct State {
        var collections: [String: QdrantCollection] = [:]
        var aliases: [String: String] = [:]
    }

    private let state = Mutex(State())

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
    package var names: [String] { state.withLock { $0.collections.keys.sorted() } }

    /// Whether there is a collection of this name or with this alias.
    package func contains(_ name: String) -> Bool {
        state.withLock { $0.collections[$0.aliases[name] ?? name] != nil }
    }

    /// The aliases and their collections, ascending by alias.
    package var aliases: [(alias: String, collection: String)] {
        state.withLock { state in state.aliases.sorted { $0.key < $1.key }.map { ($0.key, $0.value) } }
    }

    /// Performs the actions of `POST /collections/aliases`: all of them, or none if one is refused.
    package func changeAliases(json body: JSONValue) throws(QdrantRefusal) {
        try state.withLock { state throws(QdrantRefusal) in
            var aliases = state.aliases
            for action in body["actions"]?.list ?? [] {
                if let new = action["create_alias"], let alias = new["alias_name"]?.string,
                    let name = new["collection_name"]?.string
                {
                    guard state.collections[name] != nil else { throw .noCollection(name) }
                    guard state.collections[alias] == nil else { throw .collectionExists(alias) }
                    aliases[alias] = name
                } else if let alias = action["delete_alias"]?["alias_name"]?.string {
                    aliases[alias] = nil
                } else if let change = action["rename_alias"], let old = change["old_alias_name"]?.string,
                    let new = change["new_alias_name"]?.string
                {
                    guard let name = aliases.removeValue(forKey: old) else {
                        throw QdrantRefusal(404, "Not found: Alias \(old) does not exists!")
                    }
                    aliases[new] = name
                } else {
                    throw .unknownVariant(of: "AliasOperations")
                }
            }
            state.aliases = aliases
        }
    }

    /// Works on one collection, by its name or an alias, under the lock.
    package func with<Value>(
        _ name: String,
        _ body: (inout QdrantCollection) throws(QdrantRefusal) -> Value
    ) throws(QdrantRefusal) -> Value {
        try state.withLock { state throws(QdrantRefusal) in
            guard let place = state.collections.index(forKey: state.aliases[name] ?? name) else {
                throw .noCollection(name)
            }
            return try body(&state.collections.values[place])
        }
    }

    package func create(_ name: String, _ body: JSONValue) throws(QdrantRefusal) {
        let collection = try QdrantCollection(
            creating: JSONValue.object(["strict_mode_config": strictness]).merged(with: body)
        )
        try state.withLock { state throws(QdrantRefusal) in
            guard state.collections[name] == nil else { throw .collectionExists(name) }
            guard state.aliases[name] == nil else {
                let text = "Can't create collection with name \(name). Alias with the same name already exists"
                throw QdrantRefusal(400, "Wrong input: \(text)")
            }
            state.collections[name] = collection
        }
    }

    /// Writes a point without vectors, as another application may have left it.
    package func write(_ id: PointID, payload: [String: JSONValue], into name: String) throws(QdrantRefusal) {
        try with(name) { collection throws(QdrantRefusal) in
            try collection.upsert([(.uuid(id), QdrantPoint(dense: [:], sparse: [:], payload: payload))])
        }
    }

    /// Deletes a collection and its aliases; returns whether it existed.
    package func drop(_ name: String) -> Bool {
        state.withLock { state in
            state.aliases = state.aliases.filter { $0.value != name }
            return state.collections.removeValue(forKey: name) != nil
        }
    }
}
