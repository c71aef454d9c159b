import Foundation
import Migration

/// An answer of Qdrant that is not 200, classified; the only place that knows its errors.
///
/// Its own text is read but only numbers of it are passed on: it may quote a payload.
struct QdrantRefusal {
    /// The code of a request that may pass in smaller parts.
    static let tooLarge = "request_too_large"

    private let status: Int
    private let text: String
    private let headers: HTTPHeaders
    private let collection: String

    init(_ response: HTTPResponse, _ collection: String) {
        status = response.status
        headers = response.headers
        self.collection = collection
        // 401 and 403, and whatever stands in front of Qdrant, answer in plain text.
        text = (try? JSON(response.body))?["status"]?["error"]?.string ?? String(response.text.prefix(2_000))
    }

    /// Whether the collection is what is missing, and not the address.
    var isMissingCollection: Bool { status == 404 && text.contains("doesn't exist") }

    var failure: PortFailure {
        switch status {
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
        case 507:
            failure(.unauthorised, "Qdrant's disk or memory quota is used up: make room, then resume the job")
        case 500...599:
            broken
        default:
            refused
        }
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
        // The known beginnings; what follows them may be quoted.
        let known = ["Wrong input", "Format error in JSON body", "Validation error in JSON body", "Bad request"]
        let beginning = known.first { text.hasPrefix($0) }
        return failure(.rejected, "Qdrant refused the request" + (beginning.map { ", \($0.lowercased())" } ?? ""))
    }

    private var broken: PortFailure {
        if text.contains("No space left on device") || text.contains("exceeds available disk space") {
            return failure(.unavailable, "Qdrant's disk is full")
        }
        if text.contains("channel closed") {
            return failure(.unavailable, "Qdrant's update worker is dead: Qdrant needs a restart")
        }
        return failure(.unavailable, "Qdrant could not answer")
    }

    private var tooMany: PortFailure {
        if text.contains("larger than rate limiter capacity") {
            return failure(.rejected, "the request is larger than Qdrant's rate limit", code: Self.tooLarge)
        }
        let stated = headers["retry-after"].flatMap { Int($0) } ?? waitInText
        let wait = stated.flatMap { (0...1_000_000).contains($0) ? Duration.seconds($0) : nil }
        return failure(.throttled(retryAfter: wait), "Qdrant's rate limit is reached")
    }

    /// `… Retry after 17s`.
    private var waitInText: Int? {
        guard let start = text.range(of: "Retry after ") else { return nil }
        return Int(text[start.upperBound...].prefix { $0.isNumber })
    }

    private func failure(_ kind: PortFailure.Kind, _ sentence: String, code: String? = nil) -> PortFailure {
        PortFailure(kind, "\(sentence) (status \(status))", code: code ?? "\(status)")
    }
}
