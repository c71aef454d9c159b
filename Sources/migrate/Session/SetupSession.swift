import Migration

/// `migrate setup` over any ports: the collection, then the tracking SQL.
struct SetupSession: Sendable {
    let console: Console
    /// Whether to ask nothing.
    let isSure: Bool

    /// Makes the collection, or shows the one that is there and what differs.
    ///
    /// - Throws: `CommandEnd` when it cannot take our points, or a person says no.
    func collection(
        _ name: String,
        in points: any PointStore,
        schema: CollectionSchema
    ) async throws -> SetupReport.Collection {
        let found = try await patiently { () async throws(PortFailure) in try await points.inspect(schema) }
        if found.exists {
            console.out(
                "Collection \(name) exists: \(Format.plural(Int64(found.pointCount), "point")) (\(found.server))."
            )
            console.out(Self.lines(found))
            if found.differences.contains(where: \.isFatal) {
                throw CommandEnd(
                    .refused,
                    "collection \(name) cannot take these points, and nothing was changed: name another one in "
                        + "QDRANT_COLLECTION_NAME, or change what differs"
                )
            }
            // Nothing differs: nothing will be changed, and there is nothing to ask.
            if found.differences.isEmpty {
                console.out("It is as needed.")
                return SetupReport.Collection(name, found, isNew: false)
            }
            try confirm("Go on with collection \(name)? What is missing is added, nothing else is changed.")
        } else {
            try confirm("Create collection \(name) with vectors of \(schema.dimensions) dimensions (\(found.server))?")
        }
        let made = try await patiently { () async throws(PortFailure) in try await points.ensure(schema) }
        console.out("Collection \(name) is ready:")
        console.out(Self.lines(made))
        return SetupReport.Collection(name, made, isNew: !found.exists)
    }

    /// Installs the tracking SQL over libpq.
    func sql(
        version: Int,
        at server: String,
        installed: () async throws(PortFailure) -> SchemaVersion.Answer,
        apply: () async throws(PortFailure) -> SchemaVersion.Answer
    ) async throws {
        var before: SchemaVersion.Answer?
        do throws(PortFailure) {
            before = try await installed()
        } catch {
            // A refusal means that there is no such function yet; anything else keeps us from going on.
            guard error.kind == .rejected else { throw error }
        }
        if let before, before.version > version {
            if let problem = Wiring.trackingProblem(of: before) { throw CommandEnd(.refused, problem) }
            return console.out("Tracking SQL: version \(before.version) at \(server) is newer; it is left as it is.")
        }
        let state = before.map { "has version \($0.version)" } ?? "is not there yet"
        if before?.version != version {
            try confirm("The tracking SQL \(state) at \(server). Install version \(version)?")
        }
        let after = try await patiently(apply)
        console.out("Tracking SQL: version \(after.version) is installed at \(server).")
    }

    private func confirm(_ question: String) throws {
        try console.confirm(question, isSure: isSure, default: true)
    }

    private static func lines(_ state: CollectionState) -> String {
        let differences = state.differences.map { difference in
            "  \(difference.isFatal ? "WRONG" : "differs"): \(difference.name): needed \(difference.expected), "
                + "found \(difference.found)"
        }
        return (state.description.map { "  \($0)" } + differences).joined(separator: "\n")
    }
}

/// What `migrate setup --json` answers.
struct SetupReport: Encodable {
    struct Collection: Encodable {
        struct Difference: Encodable {
            let name: String
            let needed: String
            let found: String
        }

        let name: String
        let server: String
        let points: Int
        /// Whether it was made just now.
        let isNew: Bool
        /// What is still not as needed; it costs only speed or memory.
        let differences: [Difference]

        init(_ name: String, _ state: CollectionState, isNew: Bool) {
            self.name = name
            server = state.server
            points = state.pointCount
            self.isNew = isNew
            differences = state.differences.map {
                Difference(name: $0.name, needed: $0.expected, found: $0.found)
            }
        }
    }

    let collection: Collection
    /// The version of the tracking SQL.
    let trackingVersion: Int
    /// Whether the tokenizer's vocabulary is there; else `migrate setup tokenizer` is next.
    let hasVocabulary: Bool
}
