import Migration

/// The answer of `migrate setup --json`.
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
        /// Whether it was created just now.
        let isNew: Bool
        /// Whether it was created, or something was added to it, just now.
        let isChanged: Bool
        /// The remaining differences from the schema; they cost only speed or memory.
        let differences: [Difference]

        init(_ name: String, _ state: CollectionState, isNew: Bool, isChanged: Bool) {
            self.name = name
            server = state.server
            points = state.pointCount
            self.isNew = isNew
            self.isChanged = isChanged
            differences = state.differences.map {
                Difference(name: $0.name, needed: $0.expected, found: $0.found)
            }
        }
    }

    let collection: Collection
    /// The version of the tracking SQL.
    let trackingVersion: Int
    /// Older tables and functions that now have the suffix `_old`.
    let renamed: [String]
    /// Whether the tokenizer's vocabulary exists; otherwise `migrate setup tokenizer` is next.
    let hasVocabulary: Bool
}

/// The result of `migrate setup tokenizer`.
struct TokenizerReport: Encodable {
    let path: String
    /// Whether it was stored just now.
    let isNew: Bool

    var text: String {
        isNew
            ? "The tokenizer's vocabulary is kept in \(path)."
            : "The tokenizer's vocabulary is kept in \(path) already."
    }
}
