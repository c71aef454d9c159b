import Migration
import Testing

@testable import Adapters

@Suite struct `Qdrant refuses` {
    struct Refused: Sendable {
        let status: Int
        let kind: PortFailure.Kind
        var code: String?
        var headers: HTTPHeaders = [:]
        let text: String
        var isPlain = false
    }

    private static let large = "request_too_large"

    static let known: [Refused] = [
        Refused(
            status: 400,
            kind: .unauthorised,
            code: "dimensions",
            text: "Wrong input: Vector dimension error: expected dim: 1536, got 2 for vector 'child'"
        ),
        Refused(
            status: 400,
            kind: .unauthorised,
            code: "vector",
            text: "Wrong input: Not existing vector name error: x"
        ),
        Refused(status: 400, kind: .rejected, text: "Format error in JSON body: value s3cret is not a valid point ID"),
        Refused(
            status: 400,
            kind: .rejected,
            code: large,
            text: "Payload error: JSON payload (40000000 bytes) is larger than allowed (limit: 33554432 bytes)."
        ),
        Refused(
            status: 401,
            kind: .unauthorised,
            text: "Must provide an API key or an Authorization bearer token",
            isPlain: true
        ),
        Refused(status: 401, kind: .unauthorised, text: "Invalid API key or JWT", isPlain: true),
        Refused(status: 403, kind: .unauthorised, text: "Invalid api-key", isPlain: true),
        Refused(status: 403, kind: .unauthorised, text: "Forbidden: Global write access is required"),
        Refused(
            status: 403,
            kind: .unauthorised,
            code: "blocked",
            text: "<!DOCTYPE html><html>s3cret</html>",
            isPlain: true
        ),
        Refused(status: 403, kind: .unauthorised, code: "blocked", text: "error code: 1020", isPlain: true),
        Refused(status: 400, kind: .unauthorised, code: "blocked", text: "<html>Bad Request</html>", isPlain: true),
        Refused(status: 404, kind: .unauthorised, text: "Not found: Collection `memos` doesn't exist!"),
        Refused(status: 404, kind: .unauthorised, text: "<html>nginx</html>", isPlain: true),
        Refused(status: 405, kind: .unauthorised, text: ""),
        Refused(status: 408, kind: .outcomeUnknown, text: "Timeout error: Operation timed out"),
        Refused(status: 409, kind: .rejected, code: "exists", text: "Wrong input: Collection `memos` already exists!"),
        Refused(status: 413, kind: .rejected, code: large, text: "too large", isPlain: true),
        Refused(
            status: 422,
            kind: .rejected,
            text: "Validation error in JSON body: [points[0].vector: must be unique]"
        ),
        Refused(
            status: 429,
            kind: .throttled(retryAfter: .seconds(7)),
            headers: ["Retry-After": "7"],
            text: "Rate limiting exceeded: Write rate limit exceeded"
        ),
        Refused(
            status: 429,
            kind: .throttled(retryAfter: .seconds(17)),
            text:
                "Rate limiting exceeded: Write rate limit exceeded: Operation requires 9 tokens but only 3 were available. "
                + "Retry after 17s"
        ),
        Refused(status: 429, kind: .throttled(retryAfter: nil), text: "slow"),
        Refused(
            status: 429,
            kind: .unauthorised,
            code: "over_rate_limit",
            text: "Rate limiting exceeded: request larger than rate limiter capacity, please try to split your request"
        ),
        Refused(
            status: 500,
            kind: .full,
            text: "Service internal error: No space left on device: WAL buffer size"
        ),
        Refused(status: 500, kind: .unavailable, text: "Service internal error: channel closed"),
        Refused(status: 502, kind: .unavailable, text: "<html>", isPlain: true),
        Refused(status: 503, kind: .unavailable, text: "some shards are not ready", isPlain: true),
        Refused(status: 504, kind: .unavailable, text: ""),
        Refused(status: 507, kind: .full, text: "Quota exceeded"),
        Refused(status: 400, kind: .full, text: "Bad request: Max points count limit of 10 reached!"),
        Refused(status: 400, kind: .full, text: "Bad request: Max vector storage size limit of 10MB reached!"),
        Refused(status: 400, kind: .full, text: "Max payload storage size limit of 10MB reached!"),
        Refused(
            status: 400,
            kind: .full,
            text: "No space left on device: WAL buffer size exceeds available disk space"
        ),
        Refused(status: 500, kind: .full, text: "WAL buffer size exceeds available disk space"),
        Refused(status: 503, kind: .full, text: "Service internal error: No space left on device (os error 28)"),
        Refused(
            status: 400,
            kind: .full,
            text: "Resident memory usage is at 96% of total memory, exceeding 90%. Help: Reduce memory usage"
        ),
        Refused(
            status: 400,
            kind: .unauthorised,
            code: "index_missing",
            text: #"Index required but not found for \"profile\" of one of the following types: [keyword]. "#
                + "Help: Create an index for this key or use a different filter."
        ),
        Refused(
            status: 400,
            kind: .unauthorised,
            code: "strict_mode",
            text: #"Bad request: Limit exceeded 1000 > 100 for \"limit\". Help: Reduce the \"limit\" parameter."#
        ),
        Refused(
            status: 403,
            kind: .unauthorised,
            code: "strict_mode",
            text: "Forbidden: Filter condition limit reached (12 > 10). Help: Reduce the amount of conditions."
        ),
        Refused(
            status: 400,
            kind: .unauthorised,
            code: "strict_mode",
            text: "Condition size limit reached (900 > 512). Help: Reduce the size of your condition."
        ),
        Refused(
            status: 400,
            kind: .unauthorised,
            code: "strict_mode",
            text: "s3cret disabled! Help: Set s3cret=false."
        ),
        Refused(
            status: 400,
            kind: .rejected,
            text: "Sparse vector 'child-sparse' has a limit of 100 indices, but 120 were provided! Help: Reduce it."
        ),
        Refused(status: 400, kind: .rejected, text: "Wrong input: the limit of s3cret"),
        Refused(status: 307, kind: .unauthorised, text: ""),
        Refused(status: 418, kind: .rejected, text: "s3cret"),
    ]

    @Test(arguments: known)
    func `every known error says what to do next, and quotes nothing`(refused: Refused) {
        let body = refused.isPlain ? refused.text : "{\"status\":{\"error\":\"\(refused.text)\"},\"time\":0.1}"
        let response = HTTPResponse(status: refused.status, headers: refused.headers, body: Array(body.utf8))
        let failure = QdrantErrorAnswer(response, "memos").failure
        #expect(failure.kind == refused.kind)
        #expect(failure.code == refused.code ?? "\(refused.status)")
        #expect(!failure.detail.contains("s3cret"))
        #expect(failure.detail.contains("status \(refused.status)"))
    }

    @Test func `wrong dimensions are named`() {
        let text = "{\"status\":{\"error\":\"Wrong input: Vector dimension error: expected dim: 1536, got 2\"}}"
        let failure = QdrantErrorAnswer(HTTPResponse(status: 400, body: Array(text.utf8)), "memos").failure
        #expect(failure.detail.contains("the collection has 1536, the points 2"))
    }
}
