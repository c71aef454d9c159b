/// The tables and statements of a cache file.
enum CacheStatements {
    /// Rows in a rowid table with an index on the key: a table without rowids needed three times the space, because its
    /// pages hold whole rows.
    static let schema = """
        CREATE TABLE cache_space (
            id INTEGER PRIMARY KEY,
            provider TEXT NOT NULL,
            model TEXT NOT NULL,
            dimensions INTEGER NOT NULL,
            format TEXT NOT NULL,
            probe BLOB,
            probe_crc INTEGER,
            probed_at INTEGER,
            UNIQUE (provider, model, dimensions, format)
        ) STRICT;
        CREATE TABLE cache_vector (
            id INTEGER PRIMARY KEY,
            key BLOB NOT NULL,
            space INTEGER NOT NULL REFERENCES cache_space (id),
            made_at INTEGER NOT NULL,
            crc INTEGER NOT NULL,
            vector BLOB NOT NULL
        ) STRICT;
        CREATE UNIQUE INDEX cache_vector_key ON cache_vector (key);
        """

    static let newSpace = """
        INSERT OR IGNORE INTO cache_space (provider, model, dimensions, format)
        VALUES (:provider, :model, :dimensions, :format)
        """
    static let space = """
        SELECT id FROM cache_space
        WHERE provider = :provider AND model = :model AND dimensions = :dimensions AND format = :format
        """
    static let probe = "SELECT probe, probe_crc, probed_at FROM cache_space WHERE id = :space"
    static let newProbe =
        "UPDATE cache_space SET probe = :probe, probe_crc = :crc, probed_at = :now WHERE id = :space"
    static let sameProbe = "UPDATE cache_space SET probed_at = :now WHERE id = :space"
    static let vector = "SELECT crc, vector FROM cache_vector WHERE key = :key"
    static let keep = """
        INSERT INTO cache_vector (key, space, made_at, crc, vector) VALUES (:key, :space, :now, :crc, :vector)
        ON CONFLICT (key) DO UPDATE SET space = excluded.space, made_at = excluded.made_at, crc = excluded.crc,
            vector = excluded.vector
        """
    static let stats = """
        SELECT s.provider, s.model, s.dimensions, s.format, count(v.id) AS vectors,
            coalesce(sum(length(v.vector)), 0) AS bytes, min(v.made_at) AS oldest, max(v.made_at) AS newest
        FROM cache_space s LEFT JOIN cache_vector v ON v.space = s.id
        GROUP BY s.id ORDER BY s.id
        """
    static let older = "SELECT count(*) FROM cache_vector WHERE made_at < :before"
    /// A page of rows by their numbers: deleting or checking a page keeps other processes waiting for a fraction of a second.
    static let page = "SELECT max(id) FROM (SELECT id FROM cache_vector WHERE id > :after ORDER BY id LIMIT :limit)"
    static let delete = "DELETE FROM cache_vector WHERE id > :after AND id <= :last AND made_at < :before"
    static let check = """
        SELECT v.id, v.key, v.crc, v.vector, s.dimensions, s.format
        FROM cache_vector v JOIN cache_space s ON s.id = v.space
        WHERE v.id > :after ORDER BY v.id LIMIT :limit
        """
}
