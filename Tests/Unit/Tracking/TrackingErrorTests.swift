import Migration
import Testing

@testable import Adapters

@Suite struct `Errors of the tracking store` {
    @Test(arguments: [
        ("57014", PortFailure.Kind.unavailable), ("57P01", .unavailable), ("57P02", .unavailable),
        ("57P03", .unavailable), ("08000", .unavailable), ("08006", .unavailable), ("53100", .unavailable),
        ("53300", .unavailable), ("PGRST000", .unavailable), ("PGRST002", .unavailable), ("PGRST003", .unavailable),
        ("55P03", .unavailable),
        ("40P01", .unavailable), ("40001", .unavailable), ("PGRST202", .rejected), ("PGRST205", .rejected),
        ("42883", .rejected), ("42P01", .rejected), ("42501", .unauthorised), ("PGRST301", .unauthorised),
        ("PGRST303", .unauthorised), ("25006", SQLStateTable.unknown), ("28P01", .unauthorised),
        ("3D000", .unauthorised),
        ("22023", .rejected), ("22P02", .rejected), ("23505", .rejected), ("P0001", .rejected), ("PGRST203", .rejected),
        ("XX000", .unavailable), ("08P01", .unavailable), ("57P05", .unavailable),
    ])
    func `are told apart by their code`(code: String, kind: PortFailure.Kind) {
        #expect(PortFailure.kind(ofSQLState: code) == kind)
    }

    @Test func `say what to do, and quote no parameter`() {
        #expect(PortFailure(sqlState: "42883", message: "").detail.contains("migrate setup"))
        #expect(PortFailure(sqlState: "PGRST202", message: "").detail.contains("migrate setup"))
        let quoting = PortFailure(sqlState: "22P02", message: #"invalid input syntax for type uuid: "hunter2""#)
        #expect(!quoting.detail.contains("hunter2"))
        #expect(PortFailure(sqlState: "22023", message: "limit must be 1…16").detail.contains("limit must be 1…16"))
    }

    private static let busy = #"{"code":"40001","message":"could not serialize","details":null,"hint":null}"#

    @Test(arguments: [
        (200, #"{"result":"ok"}"#, nil as PortFailure.Kind?),
        (200, "<html>login</html>", .outcomeUnknown),
        (200, #"{"result":"#, .outcomeUnknown),
        (200, "", .outcomeUnknown),
        (500, busy, .unavailable),
        (500, #"{"code":"XX000","message":"internal"}"#, .unavailable),
        (500, #"{"code":"57P05","message":"idle"}"#, .unavailable),
        (500, #"{"code":"08P01","message":"query_wait_timeout"}"#, .unavailable),
        (401, #"{"code":"UNAUTHORIZED_INVALID_JWT_FORMAT","message":"Invalid JWT"}"#, .unauthorised),
        (403, #"{"message":"Invalid authentication credentials"}"#, .unauthorised),
        (403, "<!DOCTYPE html><title>Just a moment...</title>", SQLStateTable.unknown),
        (402, #"{"message":"Service for this project is restricted"}"#, .outOfMoney),
        (503, #"{"message":"name resolution failed"}"#, .outcomeUnknown),
        (503, #"{"message":"failure to get a peer from the ring-balancer"}"#, .outcomeUnknown),
        (500, #"{"message":"An unexpected error occurred"}"#, .outcomeUnknown),
        (504, #"{"message":"The upstream server is timing out"}"#, .outcomeUnknown),
        (521, "<html>Web server is down</html>", .outcomeUnknown), (522, "error code: 522", .outcomeUnknown),
        (523, "", .outcomeUnknown), (525, "", .outcomeUnknown), (530, "error code: 1016", .outcomeUnknown),
        (540, "", .unauthorised), (544, #"{"code":544,"message":"timeout"}"#, .outcomeUnknown),
        (404, #"{"message":"no Route matched with those values"}"#, .rejected),
        (500, #"{"code":"P0001","message":"raised"}"#, .rejected),
        (400, #"{"code":"22023","message":"limit"}"#, .rejected),
        (503, #"{"code":"PGRST001","message":"no connection"}"#, .unavailable),
        (503, #"{"code":"PGRST002","message":"no schema cache"}"#, .unavailable),
        (504, #"{"code":"PGRST003","message":"no free connection"}"#, .unavailable),
        (404, #"{"code":"PGRST202","message":"no function"}"#, .rejected),
        (403, #"{"code":"42501","message":"permission denied"}"#, .unauthorised),
        (401, #"{"message":"Invalid API key"}"#, .unauthorised),
        (401, "<html></html>", .unauthorised),
        (408, "", .unavailable), (425, "", .unavailable),
        (429, "", .throttled(retryAfter: nil)),
        (502, "<html>bad gateway</html>", .outcomeUnknown), (503, "<html></html>", .outcomeUnknown),
        (503, "", .outcomeUnknown), (504, "<html></html>", .outcomeUnknown),
        (520, "<html></html>", .outcomeUnknown), (524, "", .outcomeUnknown),
        (301, "", .rejected), (404, "<html></html>", .rejected), (413, "", .rejected),
    ])
    func `over HTTP are judged by code first, then by status`(status: Int, body: String, kind: PortFailure.Kind?) {
        let response = HTTPResponse(status: status, body: Array(body.utf8))
        #expect(PostgRESTError.failure(of: response)?.kind == kind)
    }

    @Test func `tell the server's own wait`() {
        let response = HTTPResponse(status: 429, headers: ["retry-after": "7"])
        #expect(PostgRESTError.failure(of: response)?.kind == .throttled(retryAfter: .seconds(7)))
        let endless = HTTPResponse(status: 429, headers: ["Retry-After": "99999999999"])
        #expect(PostgRESTError.failure(of: endless)?.kind == .throttled(retryAfter: nil))
    }
}
