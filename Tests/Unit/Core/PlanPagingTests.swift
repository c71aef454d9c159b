import Migration
import Testing

@Suite struct PlanPagingTests {
    @Test func `a page holds whole batches`() {
        #expect(PlanPaging(batchSize: 100, limit: nil).pageSize(planned: 0) == 10_000)
        #expect(PlanPaging(batchSize: 300, limit: nil).pageSize(planned: 0) == 9_900)
        #expect(PlanPaging(batchSize: 1_000, limit: nil).pageSize(planned: 0) == 10_000)
    }

    @Test func `a limit is never exceeded, also by a successor`() {
        let paging = PlanPaging(batchSize: 100, limit: 10_050)
        #expect(paging.pageSize(planned: 0) == 10_000)
        #expect(paging.pageSize(planned: 10_000) == 50)
        #expect(paging.pageSize(planned: 10_050) == 0)
        #expect(paging.pageSize(planned: 20_000) == 0)
    }

    @Test func `batches partition the page in order`() {
        let batches = PlanPaging(batchSize: 3, limit: nil).batches([1, 2, 3, 4, 5, 6, 7])
        #expect(batches == [[1, 2, 3], [4, 5, 6], [7]])
    }
}
