import Fakes
import Migration
import Testing

@Suite struct `A sample of records` {
    private func source(_ ids: [RecordID]) -> FakeMySQL {
        FakeMySQL(rows: ids.map { SourceRecord(id: $0, memberCode: "m", content: .text("text")) })
    }

    @Test func `is spread over the range`() async throws {
        let sample = try await source(Array(1...10_000)).sample(100).map(\.id)
        #expect(sample.count == 100)
        #expect(sample == Set(sample).sorted())
        for tenth in 0..<10 {
            let range = tenth * 1_000 + 1...(tenth + 1) * 1_000
            #expect((8...12).contains(sample.count { range.contains(Int($0)) }))
        }
    }

    @Test func `covers ids from the smallest to the largest there can be`() async throws {
        let ids: [RecordID] = [.min, .min + 1, -1, 0, 1, .max - 1, .max]
        #expect(try await source(ids).sample(1).map(\.id) == [.min])
        let sample = try await source(ids).sample(1_000).map(\.id)
        #expect(sample.first == .min)
        #expect(sample == Set(sample).sorted())
        #expect(Set(sample).isSubset(of: Set(ids)))
    }

    @Test(arguments: [1, 2, 49, 50, 51, 99, 1_000])
    func `is of the size asked for where there are enough rows`(count: Int) async throws {
        #expect(try await source(Array(1...5_000)).sample(count).count == count)
    }

    @Test func `of few rows or none is what there is`() async throws {
        #expect(try await source([]).sample(10).isEmpty)
        #expect(try await source([5]).sample(10).map(\.id) == [5])
    }
}
