/// Given names that are no settings, but were most likely meant as one.
extension SettingsReader {
    /// One sentence for each, only for settings that are not given.
    var hints: [String] {
        let known = Set(SettingsTable.all.map(\.name))
        let given = Set(input.environment.keys).union(
            input.file.map { Set($0.entries.keys).union($0.foreignNames) } ?? []
        )
        return given.subtracting(known).sorted().compactMap { name in
            guard let meant = meant(by: name), !given.contains(meant), input.flags[meant] == nil else { return nil }
            return "\(name) is not a setting; did you mean \(meant)?"
        }
    }

    private func meant(by name: String) -> String? {
        if let meant = Self.aliases[name.uppercased()] { return meant }
        if let meant = Self.common[name.uppercased()] {
            // Names that many programs use count only if the setting is missing.
            let isMissed = problems.contains {
                $0.subject == meant || $0.subject == "TRACKING" && meant == "POSTGRES_URL"
            }
            return isMissed ? meant : nil
        }
        let plain = Self.plain(name)
        // `mysql_host`, `MYSQLHOST`, `mysql.host`, `NEXT_PUBLIC_SUPABASE_URL`.
        if let setting = SettingsTable.all.first(where: { Self.plain($0.name) == plain }) { return setting.name }
        if let setting = SettingsTable.all.first(where: {
            $0.area != .work && $0.area != .general && name.uppercased().hasSuffix("_" + $0.name)
        }) {
            return setting.name
        }
        guard plain.utf8.count >= 7, plain.utf8.count <= 64 else { return nil }
        let near = SettingsTable.all.map { ($0.name, editDistance(name.uppercased(), $0.name)) }.min { $0.1 < $1.1 }
        guard let near else { return nil }
        let hasOurPrefix = near.0.prefix { $0 != "_" } == name.uppercased().prefix { $0 != "_" }
        return near.1 <= (hasOurPrefix ? 2 : 1) ? near.0 : nil
    }

    private static func plain(_ name: String) -> String {
        name.uppercased().filter { $0 != "_" && $0 != "-" && $0 != "." }
    }

    /// The names in other programs of the same services for what is a setting here.
    private static let aliases: [String: String] = [
        "SUPABASE_SERVICE_ROLE_KEY": "SUPABASE_KEY", "SUPABASE_SERVICE_KEY": "SUPABASE_KEY",
        "SUPABASE_SERVICE_ROLE": "SUPABASE_KEY", "SUPABASE_SECRET_KEY": "SUPABASE_KEY",
        "SUPABASE_API_KEY": "SUPABASE_KEY", "SUPABASE_PROJECT_URL": "SUPABASE_URL",
        "SUPABASE_DB_URL": "POSTGRES_URL", "SUPABASE_DATABASE_URL": "POSTGRES_URL",
        "POSTGRES_URL_NON_POOLING": "POSTGRES_URL", "POSTGRES_PRISMA_URL": "POSTGRES_URL",
        "POSTGRESQL_URL": "POSTGRES_URL", "POSTGRES_DSN": "POSTGRES_URL", "PG_URL": "POSTGRES_URL",
        "OPENAI_KEY": "OPENAI_API_KEY", "OPENAI_TOKEN": "OPENAI_API_KEY", "OPENAI_SECRET_KEY": "OPENAI_API_KEY",
        "OPENAI_APIKEY": "OPENAI_API_KEY", "OPENAI_API_TOKEN": "OPENAI_API_KEY",
        "AZURE_OPENAI_API_KEY": "OPENAI_API_KEY", "AZURE_OPENAI_KEY": "OPENAI_API_KEY",
        "OPENAI_API_BASE": "OPENAI_BASE_URL", "OPENAI_URL": "OPENAI_BASE_URL", "OPENAI_ENDPOINT": "OPENAI_BASE_URL",
        "OPENAI_API_URL": "OPENAI_BASE_URL", "AZURE_OPENAI_ENDPOINT": "OPENAI_BASE_URL",
        "OPENAI_MODEL": "OPENAI_EMBEDDING_MODEL", "OPENAI_EMBED_MODEL": "OPENAI_EMBEDDING_MODEL",
        "OPENAI_DIMENSIONS": "OPENAI_EMBEDDING_DIMENSIONS",
        "QDRANT_KEY": "QDRANT_API_KEY", "QDRANT_TOKEN": "QDRANT_API_KEY",
        "QDRANT__SERVICE__API_KEY": "QDRANT_API_KEY", "QDRANT_HOST": "QDRANT_URL", "QDRANT_ENDPOINT": "QDRANT_URL",
        "QDRANT_CLUSTER_ENDPOINT": "QDRANT_URL", "QDRANT_COLLECTION": "QDRANT_COLLECTION_NAME",
        "MYSQL_PWD": "MYSQL_PASSWORD", "MYSQL_PASS": "MYSQL_PASSWORD", "MYSQL_USERNAME": "MYSQL_USER",
        "MYSQL_DB": "MYSQL_DATABASE", "MYSQL_DBNAME": "MYSQL_DATABASE", "MYSQL_DB_NAME": "MYSQL_DATABASE",
        "MYSQL_HOSTNAME": "MYSQL_HOST", "MYSQL_SERVER": "MYSQL_HOST", "MYSQL_ADDRESS": "MYSQL_HOST",
        "MYSQL_URL": "MYSQL_HOST", "MYSQL_SSL_MODE": "MYSQL_SSL", "MYSQL_SSLMODE": "MYSQL_SSL",
        "MYSQL_TABLE_NAME": "MYSQL_TABLE",
    ]

    /// The names in programs of any kind.
    private static let common: [String: String] = [
        "DB_HOST": "MYSQL_HOST", "DB_USER": "MYSQL_USER", "DB_USERNAME": "MYSQL_USER",
        "DB_PASSWORD": "MYSQL_PASSWORD", "DB_NAME": "MYSQL_DATABASE", "DB_DATABASE": "MYSQL_DATABASE",
        "DATABASE_URL": "POSTGRES_URL", "DIRECT_URL": "POSTGRES_URL",
    ]
}

/// Damerau's distance: how many letters must be changed, added, removed or, if they are neighbours, swapped.
func editDistance(_ one: String, _ other: String) -> Int {
    let (one, other) = (Array(one.utf8), Array(other.utf8))
    var before: [Int] = []
    var row = Array(0...other.count)
    for (index, byte) in one.enumerated() {
        var next = [index + 1]
        for (column, otherByte) in other.enumerated() {
            var cost = min(next[column] + 1, row[column + 1] + 1, row[column] + (byte == otherByte ? 0 : 1))
            if index > 0, column > 0, byte == other[column - 1], one[index - 1] == otherByte {
                cost = min(cost, before[column - 1] + 1)
            }
            next.append(cost)
        }
        (before, row) = (row, next)
    }
    return row[other.count]
}
