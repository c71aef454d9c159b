package import Migration

/// A request that Qdrant refuses: the status and the text of its error envelope.
package struct QdrantRefusal: Error, Sendable, Equatable {
    package let status: Int
    package let text: String

    package init(_ status: Int, _ text: String) {
        self.status = status
        self.text = text
    }

    /// The body does not have the right form.
    package static func malformed(_ text: String) -> Self { Self(400, "Format error in JSON body: \(text)") }
    /// The body is well formed but breaks a rule.
    package static func invalid(_ text: String) -> Self { Self(422, "Validation error in JSON body: [\(text)]") }
    static func noCollection(_ name: String) -> Self { Self(404, "Not found: Collection `\(name)` doesn't exist!") }
    static func noVector(_ name: String) -> Self { Self(400, "Wrong input: Not existing vector name error: \(name)") }
    static func collectionExists(_ name: String) -> Self {
        Self(409, "Wrong input: Collection `\(name)` already exists!")
    }
    static func noPoint(_ key: QdrantPointKey) -> Self { Self(404, "Not found: No point with id \(key.text) found") }
    static func missing(_ field: String) -> Self { malformed("missing field `\(field)`") }
    static func unknownVariant(of kind: String) -> Self {
        malformed("data did not match any variant of untagged enum \(kind)")
    }

    /// The failure that a caller of the port sees.
    ///
    /// A collection refuses every record if it is missing, is full or does not fit the vectors, or if its strict mode
    /// refuses the request: a person has to change the collection or the settings.
    package var portFailure: PortFailure {
        if status == 507 || text.contains(" limit of ") { return PortFailure(.full, text, code: String(status)) }
        if text.contains("Index required but not found") {
            return PortFailure(.unauthorised, text, code: "index_missing")
        }
        if status == 429 || text.contains("Help: ") { return PortFailure(.unauthorised, text, code: "strict_mode") }
        let isSetUpWrong =
            status == 404 || text.contains("Vector dimension error") || text.contains("Not existing vector name")
        return PortFailure(isSetUpWrong ? .unauthorised : .rejected, text, code: String(status))
    }
}
