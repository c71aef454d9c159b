import Engine
import Testing

@testable import Migration

@Suite struct `Evidence of a job's work` {
    private func evidence(batches: Int = 0, withPoints: Int = 0, ids: Int = 0, found: Int = 0) -> JobEvidence {
        var evidence = JobEvidence()
        evidence.batches = batches
        evidence.batchesWithPoints = withPoints
        evidence.ids = ids
        evidence.idsFound = found
        return evidence
    }

    @Test func `points are missing only when none of the batches has any`() {
        #expect(evidence(batches: 5, withPoints: 0).lacksPoints)
        #expect(evidence(batches: 1, withPoints: 0).lacksPoints)
        #expect(!evidence(batches: 5, withPoints: 1).lacksPoints)
        #expect(!evidence(batches: 0).lacksPoints, "nothing was written yet: no judgement")
    }

    @Test func `records are missing only when none of a few exists`() {
        #expect(evidence(ids: 15, found: 0).lacksRecords)
        #expect(!evidence(ids: 15, found: 1).lacksRecords)
        #expect(!evidence(ids: 2, found: 0).lacksRecords, "two rows may have been deleted: no judgement")
        #expect(!evidence().lacksRecords)
    }

    @Test func `the batches of a sample are spread over the job, first and last among them`() {
        #expect(JobEvidence.sample(of: -1) == [])
        #expect(JobEvidence.sample(of: 0) == [])
        #expect(JobEvidence.sample(of: 3) == [0, 1, 2])
        #expect(JobEvidence.sample(of: 9_001) == [0, 2_250, 4_500, 6_750, 9_000])
        #expect(JobEvidence.sample([5, 6, 7, 8, 9], 3) == [5, 7, 9])
        #expect(JobEvidence.sample([5, 6], 3) == [5, 6])
        #expect(JobEvidence.sample([], 3) == [])
    }

    @Test func `a server is new only where the job knows servers of its kind`() {
        let ours = JobServers(source: ["a:3306/app"], points: ["https://q"], embedder: ["https://e"])
        #expect(ours.moved(from: JobServers()).isEmpty, "a job of the version before knows none")
        #expect(ours.moved(from: ours).isEmpty)
        let known = JobServers(source: ["b:3306/app"], points: ["https://q", "https://r"])
        #expect(ours.moved(from: known) == JobServers(source: ["a:3306/app"]))
    }
}
