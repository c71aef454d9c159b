import Foundation
import Migration
import Testing

@testable import Adapters

/// A job that is deleted leaves nothing behind, also when it is deleted by several processes or the deletion is interrupted.
@Suite(.needs(.postgres), .serialized, .timeLimit(.minutes(10))) struct `A deletion on a real PostgreSQL` {
    @Test(arguments: [1, 7, 10_000])
    func `leaves nothing of its job in any table, and nothing else is changed`(limit: Int) async throws {
        try await TrackingDatabase.use { database in
            let stage = try DeletionStage(database)
            let jobs = [try await stage.failedJob(batches: 9), try await stage.failedJob(batches: 12), 3]
            _ = try await PlannedJob.make(stage.store, batches: [[1], [2]])
            let before = try await stage.rows(of: jobs[1])
            #expect(before.values.allSatisfy { $0 > 0 }, "a table of which the test knows nothing: \(before)")
            let others = [try await stage.content(of: jobs[0]), try await stage.content(of: jobs[2])]
            let counted = try await stage.store.countRows(GetIngestionJobRows(job: jobs[1]))
            #expect(Int(counted.rows) == before.values.reduce(0, +))

            let answers = try await stage.delete(jobs[1], limit: limit, on: stage.store)
            let after = try await stage.rows(of: jobs[1])
            #expect(after.values.allSatisfy { $0 == 0 }, "\(after)")
            #expect(answers.reduce(0) { $0 + $1.batches } == before["ingestion_batch"])
            #expect(answers.reduce(0) { $0 + $1.failures } == before["ingestion_failure"])
            #expect(answers.reduce(0) { $0 + $1.events } == before["ingestion_event"])
            for answer in answers.dropLast() { #expect(answer.batches + answer.failures + answer.events == limit) }
            let unchanged = [try await stage.content(of: jobs[0]), try await stage.content(of: jobs[2])]
            #expect(unchanged == others)
            for job in [jobs[0], jobs[2]] {
                #expect(try await stage.store.exactStats(GetIngestionJobStatsExact(job: job)).equal == true)  // I15
            }
        }
    }

    /// What `DELETE FROM ingestion_job` by hand leaves behind: it takes the batches along, and nothing else.
    @Test func `takes what a deletion by hand has left behind`() async throws {
        try await TrackingDatabase.use { database in
            let stage = try DeletionStage(database)
            let kept = try await stage.failedJob(batches: 6)
            let orphans = [
                try await stage.failedJob(batches: 9), try await stage.failedJob(batches: 6),
                try await stage.failedJob(batches: 3),
            ]
            let before = try await stage.content(of: kept)
            try await database.run("DELETE FROM public.ingestion_job WHERE id = ANY ('{\(orphans[0]),\(orphans[1])}')")
            // Of one only counters are left, of one only its job's row is gone.
            try await database.run(
                """
                DELETE FROM public.ingestion_event WHERE job_id = \(orphans[1]);
                DELETE FROM public.ingestion_failure WHERE job_id = \(orphans[1]);
                DELETE FROM public.ingestion_event WHERE job_id = \(orphans[2]);
                DELETE FROM public.ingestion_counter WHERE job_id = \(orphans[2]);
                DELETE FROM public.ingestion_job WHERE id = \(orphans[2])
                """
            )
            var listed: [RetentionSummary] = []
            var after: JobID?
            repeat {
                let page = try await stage.store.retention(ListIngestionRetention(after: after, limit: 1))
                listed += page.rows
                after = page.next
            } while after != nil
            #expect(listed.map(\.jobId) == (orphans.reversed() + [kept]))
            #expect(listed.map { $0.job == nil } == [true, true, true, false])
            for orphan in orphans {
                let answers = try await stage.delete(orphan, limit: 5, on: stage.store)
                // Where a page was full to the last row, there is nothing left for another one, not even a job.
                #expect(answers.dropLast().allSatisfy { $0.result == .applied && $0.batches == 0 })
                #expect(answers.last?.more == false)
                #expect(try await stage.rows(of: orphan).values.allSatisfy { $0 == 0 })
                let again = try await stage.store.deleteJob(DeleteIngestionJob(job: orphan, limit: 5, olderThanMs: nil))
                #expect(again == DeletionAnswer(result: .notFound))
            }
            #expect(try await stage.content(of: kept) == before)
        }
    }

    /// A list that is read while jobs are opened never takes one of them for what a deletion by hand has left.
    @Test func `takes no job for an orphan that is being opened`() async throws {
        try await TrackingDatabase.use { database in
            let stage = try DeletionStage(database)
            try await withThrowingTaskGroup(of: Void.self) { group in
                group.addTask { for _ in 0..<60 { _ = try await PlannedJob.make(stage.store, batches: [[1]]) } }
                group.addTask {
                    for _ in 0..<200 {
                        let page = try await stage.store.retention(ListIngestionRetention(after: nil, limit: 1000))
                        #expect(page.rows.allSatisfy { $0.job != nil })
                    }
                }
                try await group.waitForAll()
            }
        }
    }

    /// The backend is ended again and again, in the middle of whatever page it is at.
    @Test func `that is killed between its pages and within them goes on where it was`() async throws {
        try await TrackingDatabase.use { database in
            let stage = try DeletionStage(database)
            let job = try await stage.failedJob(batches: 240)
            let other = try await stage.failedJob(batches: 6)
            let before = try await stage.content(of: other)
            var kills = 0
            var isDone = false
            for turn in 0..<400 where !isDone {
                let deletion = Task { () -> DeletionAnswer? in
                    let store = try database.store(connectionsMax: 1)
                    return try? await store.deleteJob(
                        DeleteIngestionJob(job: job, limit: 1 + turn % 9, olderThanMs: nil)
                    )
                }
                let killed = try await database.run(
                    """
                    SELECT pg_terminate_backend(pid) FROM pg_stat_activity
                    WHERE datname = current_database() AND query LIKE '%delete_ingestion_job%' AND pid <> pg_backend_pid()
                    """
                )
                kills += killed.count
                let answer = try await deletion.value
                isDone = answer.map { !$0.more } ?? false
                // After each page, whole or not, the sums of what is there still fit together.
                let rows = try await stage.rows(of: job)
                #expect(rows["ingestion_batch"] == rows["ingestion_batch_ids"])
                if !isDone { #expect(rows["ingestion_job"] == 1 || rows.values.allSatisfy { $0 == 0 }) }
            }
            _ = try await stage.delete(job, limit: 1000, on: stage.store)
            #expect(kills > 5, "nothing was interrupted")
            #expect(try await stage.rows(of: job).values.allSatisfy { $0 == 0 })
            #expect(try await stage.content(of: other) == before)
        }
    }

    /// Another table with rows of jobs has to be deleted from, too.
    @Test func `knows every table that has rows of jobs`() async throws {
        try await TrackingDatabase.use { database in
            let tables = try await DeletionStage.tables(database)
            #expect(tables.count >= 6)
            let file = try #require(SchemaInstaller.files.first { $0.name == "010_retention.sql" })
            for table in tables { #expect(file.text.contains("DELETE FROM public.\(table.name) "), "\(table.name)") }
        }
    }
}
