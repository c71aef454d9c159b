import Migration

/// An answer of Qdrant that is not 200, classified: the only place that knows its errors.
///
/// Its own text is read but only its numbers are passed on: it may quote a payload.
struct QdrantErrorAnswer {
    /// The code of a request that may pass in smaller parts.
    static let tooLarge = "request_too_large"
    /// The code of a request that alone exceeds a minute's budget.
    static let overBudget = "over_rate_limit"
    /// The code of a request that exceeds a limit of the collection's strict mode.
    static let overLimit = "strict_mode"
    /// The code of a filter on a key that has no payload index.
    static let noIndex = "index_missing"
    /// Codes of requests that may pass once the limits are known.
    static let ofLimits: [String?] = [overLimit, overBudget]
    /// Codes of writes that may pass in smaller parts.
    static let splittable: Set = [tooLarge, overBudget, overLimit]

    private let status: Int
    private let text: String
    private let headers: HTTPHeaders
    private let collection: String
    /// Whether it comes from something in front of Qdrant: an HTML page, or a refusal that Qdrant never sends.
    private let isForeign: Bool

    init(_ response: HTTPResponse, _ collection: String) {
        status = response.status
        headers = response.headers
        self.collection = collection
        // For 401 and 403, Qdrant and gateways in front of it answer in plain text.
        let error = (try? JSON(response.body))?["status"]?["error"]?.string
        let text = error ?? String(response.text.prefix(2_000))
        self.text = text
        let own = ["Invalid api", "Invalid API", "Must provide", "Forbidden"]
        isForeign = response.isPage || (status == 403 && error == nil && !own.contains { text.hasPrefix($0) })
    }

    /// Whether the collection is missing, and not the address.
    var isMissingCollection: Bool { status == 404 && text.contains("doesn't exist") }

    /// Whether a limit of the collection's strict mode is the reason; other requests can stay below it.
    var isOverLimit: Bool { isStrict && missingIndex == nil || isOverBudget }

    private var isOverBudget: Bool { status == 429 && text.contains("larger than rate limiter capacity") }

    /// The limit that the text states, if it does.
    var told: QdrantLimits? { QdrantLimits(toldBy: text) }

    /// Every refusal by strict mode ends with a hint; no other refusal has one.
    private var isStrict: Bool { (status == 400 || status == 403) && text.contains("Help: ") }

    /// `Index required but not found for "profile" of one of the following types: [keyword]`.
    private var missingIndex: String? {
        guard isStrict, let start = text.firstRange(of: "Index required but not found for \"") else { return nil }
        // Only characters that the program's keys may have: the text may quote anything.
        return String(text[start.upperBound...].prefix { $0.isLetter || $0 == "_" })
    }

    /// Whether the collection or its server has no room: nothing is wrong with the request.
    private var isFull: Bool {
        let words = [
            "No space left on device", "exceeds available disk space", "Max points count limit of",
            "Max vector storage size limit of", "Max payload storage size limit of", "Resident memory usage is at",
        ]
        return status == 507 || (status == 400 || status >= 500) && words.contains { text.contains($0) }
    }

    var failure: PortFailure {
        if isFull { return failure(.full, fullSentence) }
        if let missingIndex {
            return failure(
                .unauthorised,
                "the collection has no payload index on \(missingIndex), and its strict mode refuses filters without one: "
                    + "run `migrate setup`, which adds it",
                code: Self.noIndex
            )
        }
        if isStrict { return overLimit }
        return switch status {
        case 403 where isForeign:
            blocked
        case 401, 403:
            failure(.unauthorised, "Qdrant refused the key, or the key may not write: check QDRANT_API_KEY")
        case 404 where isMissingCollection:
            failure(.unauthorised, "the collection \(collection) does not exist: run `migrate setup`")
        case 404, 405, 300...399:
            failure(.unauthorised, "this is not Qdrant's address: check QDRANT_URL")
        case 408:
            failure(.outcomeUnknown, "Qdrant did not finish in time")
        case 409:
            failure(.rejected, "it exists already", code: "exists")
        case 413:
            failure(.rejected, "the request is too large for the server", code: Self.tooLarge)
        case 429:
            tooMany
        case 500...599:
            broken
        case 400..<500 where isForeign:
            blocked
        default:
            refused
        }
    }

    private var fullSentence: String {
        if text.contains("limit of") {
            return "the collection is full by the limits of its strict mode: raise the limit or delete points; "
                + "nothing is lost"
        }
        return "Qdrant's disk or memory is used up: make room; nothing is lost"
    }

    private var overLimit: PortFailure {
        // The only limit that concerns a single point.
        if text.contains("Sparse vector") {
            return failure(.rejected, "the point's sparse vector is longer than the collection's strict mode allows")
        }
        return failure(
            .unauthorised,
            "the request is above a limit of the collection's strict mode: compare its strict_mode_config",
            code: Self.overLimit
        )
    }

    /// Either one point is the reason, or all access is blocked: the engine finds out.
    private var blocked: PortFailure {
        failure(
            .unauthorised,
            "a firewall or proxy in front of Qdrant refused the request: check QDRANT_URL and its rules",
            code: PortFailure.blocked
        )
    }

    private var refused: PortFailure {
        if text.contains("Payload error: JSON payload"), text.contains("larger than allowed") {
            return failure(.rejected, "the request is too large for Qdrant", code: Self.tooLarge)
        }
        if text.contains("Vector dimension error") {
            let numbers = text.split { !$0.isNumber }.compactMap { Int($0) }
            let detail = numbers.count >= 2 ? ": the collection has \(numbers[0]), the points \(numbers[1])" : ""
            return failure(
                .unauthorised,
                "the vectors do not fit the collection's dimensions\(detail)",
                code: "dimensions"
            )
        }
        if text.contains("Not existing vector name") {
            return failure(
                .unauthorised,
                "the collection \(collection) lacks a vector: run `migrate setup`",
                code: "vector"
            )
        }
        // The known beginnings; the text after them may be quoted.
        let known = ["Wrong input", "Format error in JSON body", "Validation error in JSON body", "Bad request"]
        let beginning = known.first { text.hasPrefix($0) }
        return failure(.rejected, "Qdrant refused the request" + (beginning.map { ", \($0.lowercased())" } ?? ""))
    }

    private var broken: PortFailure {
        if text.contains("channel closed") {
            return failure(.unavailable, "Qdrant's update worker is dead: Qdrant needs a restart")
        }
        return failure(.unavailable, "Qdrant could not answer")
    }

    private var tooMany: PortFailure {
        if isOverBudget {
            // Smaller requests pass; if a request cannot be smaller, the limit itself is the reason.
            return failure(
                .unauthorised,
                "the request is larger than what Qdrant allows per minute: raise the collection's write_rate_limit and "
                    + "read_rate_limit",
                code: Self.overBudget
            )
        }
        let stated = headers["retry-after"].flatMap { Int($0) } ?? waitInText
        let wait = stated.flatMap { (0...1_000_000).contains($0) ? Duration.seconds($0) : nil }
        return failure(.throttled(retryAfter: wait), "Qdrant's rate limit is reached")
    }

    /// `… Retry after 17s`.
    private var waitInText: Int? {
        guard let start = text.firstRange(of: "Retry after ") else { return nil }
        return Int(text[start.upperBound...].prefix { $0.isNumber })
    }

    private func failure(_ kind: PortFailure.Kind, _ sentence: String, code: String? = nil) -> PortFailure {
        PortFailure(kind, "\(sentence) (status \(status))", code: code ?? "\(status)")
    }
}
