import FoundationEssentials
import GRDB
package import Migration
import Synchronization

/// The cache of vectors in one SQLite file, which several processes of a machine may share.
///
/// It holds hashes of texts and vectors, no text. Vectors still tell something about their texts, so only the user may
/// read the file (0600).
package final class SQLiteEmbeddingCache: EmbeddingCache {
    private let path: String
    private let connection: CacheConnection
    private let space: EmbeddingSpace
    private let wall: @Sendable () -> DatabaseTime
    private let known = Mutex<Int64?>(nil)

    /// Makes a cache; its file is opened, and made if it is not there, by the first call.
    ///
    /// - Parameters:
    ///   - path: the file.
    ///   - space: what makes the vectors.
    ///   - wall: the clock of the wall, for the age of vectors and of the probe.
    ///   - options: what tests change.
    package init(
        _ path: String,
        space: EmbeddingSpace,
        wall: @escaping @Sendable () -> DatabaseTime = SQLiteClock.system.wall,
        options: SQLiteOptions = SQLiteOptions()
    ) {
        self.path = path
        connection = CacheConnection(path, creates: true, options: options)
        self.space = space
        self.wall = wall
    }

    package func vectors(of texts: [String]) async throws(PortFailure) -> RecalledVectors {
        let space = space
        return try await connection.read { database in
            let statement = try database.cachedStatement(sql: CacheStatements.vector)
            var damaged = 0
            let vectors = try texts.map { text -> [Float]? in
                let key = space.key(of: text)
                guard let row = try Row.fetchOne(statement, arguments: ["key": Data(key)]) else { return nil }
                let vector = row.vector(of: key, space)
                if vector == nil { damaged += 1 }
                return vector
            }
            return RecalledVectors(vectors: vectors, damaged: damaged)
        }
    }

    package func keep(_ vectors: [[Float]], of texts: [String]) async throws(PortFailure) {
        let (space, now) = (space, wall())
        let number = try await spaceNumber()
        try await connection.write { database in
            let statement = try database.cachedStatement(sql: CacheStatements.keep)
            for (text, vector) in zip(texts, vectors) {
                let key = space.key(of: text)
                let bytes = space.format.bytes(of: vector)
                try statement.execute(
                    arguments: [
                        "key": Data(key), "space": number, "now": now.microseconds,
                        "crc": Int64(CRC32.of(key, bytes)), "vector": Data(bytes),
                    ]
                )
            }
        }
    }

    package func probe() async throws(PortFailure) -> CacheProbe {
        let (space, now) = (space, wall().microseconds)
        let number = try await spaceNumber()
        return try await connection.read { database in
            let row = try Row.fetchOne(database, sql: CacheStatements.probe, arguments: ["space": number])
            let bytes = row?.value("probe", as: Data.self).map { [UInt8]($0) }
            let crc = row?.value("probe_crc", as: Int64.self)
            let vector = bytes.flatMap { bytes in
                crc == Int64(CRC32.of(bytes)) ? VectorFormat.float32.vector(bytes, dimensions: space.dimensions) : nil
            }
            // A clock that was corrected backwards makes it due.
            let age = row?.value("probed_at", as: Int64.self).map { now - $0 }
            let isDue = age.map { !(0..<CacheProbe.interval.wholeMicroseconds).contains($0) } ?? true
            return CacheProbe(vector: vector, isDue: isDue)
        }
    }

    package func noteProbe(_ vector: [Float]?) async throws(PortFailure) {
        let now = wall().microseconds
        let number = try await spaceNumber()
        // In full precision, whatever the format: it is compared, not used.
        let bytes = vector.map { VectorFormat.float32.bytes(of: $0) }
        try await connection.write { database in
            guard let bytes else {
                return try database.execute(sql: CacheStatements.sameProbe, arguments: ["now": now, "space": number])
            }
            try database.execute(
                sql: CacheStatements.newProbe,
                arguments: ["probe": Data(bytes), "crc": Int64(CRC32.of(bytes)), "now": now, "space": number]
            )
        }
    }

    /// The number of its space in the file.
    private func spaceNumber() async throws(PortFailure) -> Int64 {
        if let number = known.withLock({ $0 }) { return number }
        let space = space
        let number = try await connection.write { database in
            let arguments: StatementArguments = [
                "provider": space.provider, "model": space.model, "dimensions": space.dimensions,
                "format": space.format.rawValue,
            ]
            try database.execute(sql: CacheStatements.newSpace, arguments: arguments)
            return try Int64.fetchOne(database, sql: CacheStatements.space, arguments: arguments)
        }
        guard let number else { throw PortFailure(.rejected, "the embedding cache does not know its model") }
        known.withLock { $0 = number }
        return number
    }
}

extension SQLiteEmbeddingCache: Inspectable {
    package func inspection() async throws(PortFailure) -> Inspection {
        guard FileManager.default.fileExists(atPath: path) else {
            return Inspection(product: "SQLite", facts: ["\(path) is made by the next run"])
        }
        let found = try await connection.apart { database in
            (
                version: try String.fetchOne(database, sql: "SELECT sqlite_version()") ?? "",
                journal: try String.fetchOne(database, sql: "PRAGMA journal_mode") ?? "",
                // The number of the newest row: counting them all would read the whole file.
                vectors: try Int64.fetchOne(database, sql: "SELECT coalesce(max(id), 0) FROM cache_vector") ?? 0
            )
        }
        return Inspection(
            product: "SQLite \(found.version), \(found.journal) journal",
            facts: ["file \(path)", "at most \(found.vectors) vectors", space.format.rawValue]
        )
    }
}

extension Row {
    /// The vector of a row; nil if it is damaged.
    func vector(of key: [UInt8], _ space: EmbeddingSpace) -> [Float]? {
        guard let data = value("vector", as: Data.self), let crc = value("crc", as: Int64.self) else { return nil }
        let bytes = [UInt8](data)
        guard crc == Int64(CRC32.of(key, bytes)) else { return nil }
        return space.format.vector(bytes, dimensions: space.dimensions)
    }
}
