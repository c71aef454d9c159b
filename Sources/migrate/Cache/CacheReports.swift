import Migration
import Terminal

/// The answer of `migrate cache stats`.
struct CacheStatsReport: Encodable {
    struct Space: Encodable {
        let provider: String
        let model: String
        let dimensions: Int
        let format: String
        let vectors: Int64
        let bytes: Int64
        let oldest: String?
        let newest: String?
    }

    let file: String
    let bytes: Int64
    let freeBytes: Int64
    let vectors: Int64
    let bytesPerVector: Int64?
    let spaces: [Space]

    init(_ file: String, _ stats: CacheStats) {
        self.file = file
        bytes = stats.bytes
        freeBytes = stats.freeBytes
        vectors = stats.vectors
        bytesPerVector = stats.bytesPerVector
        spaces = stats.spaces.map { space in
            Space(
                provider: space.provider,
                model: space.model,
                dimensions: space.dimensions,
                format: space.format,
                vectors: space.vectors,
                bytes: space.bytes,
                oldest: space.oldest.map(\.text),
                newest: space.newest.map(\.text)
            )
        }
    }

    var text: String {
        let size = "\(file): \(Self.size(bytes)), \(Format.plural(vectors, "vector"))"
        let each = bytesPerVector.map { ", \(Format.count($0)) bytes each" } ?? ""
        let free = freeBytes > 0 ? ", \(Self.size(freeBytes)) free for further ones" : ""
        guard !spaces.isEmpty else { return size + free + "." }
        let rows = spaces.map { space in
            [
                space.provider, space.model, "\(space.dimensions)", space.format, Format.count(space.vectors),
                space.vectors > 0 ? Format.count(space.bytes / space.vectors) : "-", Format.time(space.oldest),
                Format.time(space.newest),
            ]
        }
        let header = [
            "PROVIDER", "MODEL", "DIMENSIONS", "FORMAT", "VECTORS", "BYTES OF EACH", "OLDEST", "NEWEST",
        ]
        return "\(size)\(each)\(free).\n" + Table(header: header, rows: rows).text
    }

    private static func size(_ bytes: Int64) -> String {
        switch bytes {
        case ..<(1 << 20): "\(Format.count((bytes + 1023) / 1024)) KiB"
        case ..<(1 << 30): "\(Format.decimal(Double(bytes) / Double(1 << 20), 1)) MiB"
        default: "\(Format.decimal(Double(bytes) / Double(1 << 30), 1)) GiB"
        }
    }
}

/// The answer of `migrate cache prune`.
struct CachePruneReport: Encodable {
    let file: String
    /// How many were old.
    let vectors: Int64
    var deleted: Int64 = 0
}

/// The answer of `migrate cache verify`.
struct CacheVerifyReport: Encodable {
    let file: String
    let vectors: Int64
    let damaged: Int64
    let pages: [String]

    init(_ file: String, _ findings: CacheFindings) {
        self.file = file
        vectors = findings.vectors
        damaged = findings.damaged
        pages = findings.pages
    }
}
