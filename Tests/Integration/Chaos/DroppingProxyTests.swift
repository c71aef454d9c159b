import Foundation
import Invariants
import Migration
import Testing

@Suite struct `The log of the dropping proxy` {
    private func line(_ call: some TrackingCall, answer: some Encodable) throws -> Substring {
        let parameters = String(decoding: try TrackingJSON.encode(call), as: UTF8.self)
        let answer = String(decoding: try TrackingJSON.encodeAnswer(answer), as: UTF8.self)
        let fields = [
            "1", "2", "2026-01-02T03:04:05.678901Z", "answered", type(of: call).function, parameters, answer,
        ]
        return Substring(fields.joined(separator: "\t"))
    }

    @Test func `gives the checks the lists of batches, with their answers`() throws {
        let call = ListIngestionBatches(job: 7, filter: .init(status: .processing), after: nil, limit: 5)
        let answer = ListIngestionBatches.Answer(rows: [], next: 3)
        let read = try #require(try ProxiedCall(line: try line(call, answer: answer)))
        #expect(read.observed.sent(ListIngestionBatches.self) == call)
        #expect(read.observed.answer == .given(answer))
    }
}
