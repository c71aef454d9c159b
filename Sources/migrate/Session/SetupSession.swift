import Migration
import Settings
import Terminal

/// `migrate setup` with any ports: the collection, then the tracking SQL.
struct SetupSession: Sendable {
    let console: Console
    /// Whether a flag answers yes to every question.
    let isSure: Bool

    /// Sets up the services that the settings name.
    ///
    /// - Throws: `CommandEnd` when something prevents it, or a person answers no.
    func run(_ wiring: Wiring, renamesOlder: Bool) async throws -> SetupReport {
        let installer = try wiring.installer()
        var renamed: [String] = []
        if let installer {
            renamed = try await older(installer.older(), at: installer.server, renames: renamesOlder)
        }
        let target = wiring.settings.target
        let schema = CollectionSchema(dimensions: target.dimensions)
        let collection = try await collection(target.collection, in: wiring.points(), schema: schema)
        let version = try await tracking(wiring, installer, after: collection, renamesOlder: renamesOlder)
        let hasVocabulary = (try? Vocabulary.tokenizer(wiring.settings)) != nil
        console.out(
            hasVocabulary
                ? "\nNext: `migrate check`, `migrate plan`, `migrate run`."
                : "The tokenizer's vocabulary is missing.\n\nNext: `migrate setup tokenizer`, then `migrate plan`."
        )
        return SetupReport(
            collection: collection,
            trackingVersion: version,
            renamed: renamed,
            hasVocabulary: hasVocabulary
        )
    }

    /// Installs the tracking SQL if that is possible, and returns the installed version.
    private func tracking(
        _ wiring: Wiring,
        _ installer: Wiring.Installer?,
        after collection: SetupReport.Collection,
        renamesOlder: Bool
    ) async throws -> Int {
        if let installer {
            try await sql(
                version: Wiring.trackingVersion,
                at: installer.server,
                after: collection,
                installed: installer.installed,
                apply: { () async throws(PortFailure) in try await installer.apply(renamesOlder: renamesOlder) }
            )
        }
        do {
            let version = try await wiring.checkTracking(tries: installer == nil ? 1 : 10)
            console.out(
                wiring.isTrackedInFile
                    ? "Tracking store: \(wiring.storeName); there is nothing to install." : "Tracking store: ready."
            )
            return version
        } catch let failure as PortFailure
            where failure.kind == .rejected && installer == nil && !wiring.isTrackedInFile
        {
            console.out(Wiring.trackingSQL(renamesOlder: renamesOlder))
            throw CommandEnd(
                .incomplete,
                "the tracking SQL is not installed: paste the lines above into Supabase's SQL editor, or set POSTGRES_URL; "
                    + "then run `migrate setup` again"
            )
        }
    }

    /// Creates the collection, or shows the existing one and its differences.
    ///
    /// - Throws: `CommandEnd` when it cannot hold the points, or a person answers no.
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
            if found.differences.contains(where: { $0.isFatal && !$0.isAddedBySetup }) {
                throw CommandEnd(
                    .refused,
                    "collection \(name) cannot take these points, and nothing was changed: name another one in "
                        + "QDRANT_COLLECTION_NAME, or change what differs"
                )
            }
            // Nothing differs, so nothing will be changed and no question is needed.
            if found.differences.isEmpty {
                console.out("It is as needed.")
                return SetupReport.Collection(name, found, isNew: false, isChanged: false)
            }
            try await confirm("Go on with collection \(name)? What is missing is added, nothing else is changed.")
        } else {
            try await confirm(
                "Create collection \(name) with vectors of \(schema.dimensions) dimensions (\(found.server))?"
            )
        }
        let made = try await patiently { () async throws(PortFailure) in try await points.ensure(schema) }
        console.out("Collection \(name) is ready:")
        console.out(Self.lines(made))
        return SetupReport.Collection(name, made, isNew: !found.exists, isChanged: true)
    }

    /// Lists objects of other programs that have names of the job tracking, before anything is changed.
    ///
    /// - Parameters:
    ///   - found: a description of each.
    ///   - server: its name, for messages.
    ///   - renames: whether a flag asks to rename them.
    /// - Returns: the objects that will be renamed.
    /// - Throws: `CommandEnd` when there are some and no flag, or a person answers no.
    func older(_ found: [String], at server: String, renames: Bool) async throws -> [String] {
        if !found.isEmpty {
            try tellOlder(found.map { "\n  \($0)" }.joined(), at: server, renames: renames)
            try await console.confirm(Self.renameQuestion, isSure: isSure, default: false)
        }
        return found
    }

    private static let renameQuestion =
        "Rename them, with the suffix _old? Programs of the earlier plan then no longer find them."

    // A function of its own: Swift 6.3's optimiser crashes if this is a part of the function above.
    private func tellOlder(_ list: String, at server: String, renames: Bool) throws(CommandEnd) {
        guard renames else {
            throw CommandEnd(
                .refused,
                "in the schema public at \(server) there is what migrate has not made, under names that its job tracking needs:"
                    + "\(list)\nNothing was changed. `migrate setup --rename-older-tables` keeps it all under names that end in "
                    + "_old, indexes and sequences too; programs of the earlier plan then no longer find it."
            )
        }
        console.out("Older tables and functions at \(server):\(list)")
    }

    /// Installs the tracking SQL over libpq.
    ///
    /// - Parameters:
    ///   - version: the version to install.
    ///   - server: its name, for messages.
    ///   - collection: what this session has done before; after a no nothing more is changed.
    ///   - installed: reads the installed version; `rejected` when there is none.
    ///   - apply: installs it.
    /// - Throws: `CommandEnd` when a person answers no, or a newer version is installed that this program cannot use.
    func sql(
        version: Int,
        at server: String,
        after collection: SetupReport.Collection? = nil,
        installed: () async throws(PortFailure) -> SchemaVersion.Answer,
        apply: () async throws(PortFailure) -> SchemaVersion.Answer
    ) async throws {
        var before: SchemaVersion.Answer?
        do throws(PortFailure) {
            before = try await installed()
        } catch {
            // A rejection means that the function does not exist yet; after any other failure we cannot go on.
            guard error.kind == .rejected else { throw error }
        }
        if let before, before.version > version {
            if let problem = Wiring.trackingProblem(of: before) { throw CommandEnd(.refused, problem) }
            return console.out("Tracking SQL: version \(before.version) at \(server) is newer; it is left as it is.")
        }
        if let missing = before?.missing {
            let rest = missing.count > 20 ? " and \(missing.count - 20) more" : ""
            console.out(
                "Missing in the tracking SQL at \(server): \(missing.prefix(20).joined(separator: ", "))\(rest)."
            )
        }
        let state = before.map { "has version \($0.version)" } ?? "is not installed yet"
        if before?.version != version {
            let otherwise =
                collection.flatMap { $0.isChanged ? $0.name : nil }
                .map { "the tracking SQL was not changed; collection \($0) is as shown above" }
            try await confirm("The tracking SQL \(state) at \(server). Install version \(version)?", otherwise)
        }
        let after = try await patiently(apply)
        console.out("Tracking SQL: version \(after.version) is installed at \(server).")
    }

    private func confirm(_ question: String, _ otherwise: String? = nil) async throws {
        try await console.confirm(
            question,
            isSure: isSure,
            default: true,
            otherwise: otherwise ?? Console.nothingWasChanged
        )
    }

    private static func lines(_ state: CollectionState) -> String {
        let differences = state.differences.map { difference in
            "  \(difference.isFatal ? "WRONG" : "differs"): \(difference.sentence)"
        }
        return (state.description.map { "  \($0)" } + differences).joined(separator: "\n")
    }
}
