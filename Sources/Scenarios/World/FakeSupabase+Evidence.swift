package import Fakes
package import Invariants
import Migration

extension FakeSupabase {
    /// The rows and the history of every job at one moment, also while calls are under way.
    package func evidence(calls: [ObservedCall] = []) -> TrackingEvidence {
        let (tables, now) = snapshot()
        let jobs = tables.jobs.filter { !tables.deletedJobs.contains($0.id) }.map { job in
            TrackingEvidence.Job(
                summary: job.summary,
                stats: tables.stats(GetIngestionJobStats(job: job.id)),
                batches: job.batches.map { $0.summary(at: now) },
                failures: job.failures.sorted { $0.key < $1.key }.map { $1.summary(of: $0) },
                events: job.events
            )
        }
        return TrackingEvidence(jobs: jobs, calls: calls)
    }
}
