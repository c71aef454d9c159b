import Migration
import Testing

/// Which jobs a store forgets.
@Suite struct RetentionTests {
    /// A job in a few words; the number is its age in days, nil while it is open.
    struct Job: Sendable {
        var target = "a"
        var days: Double?
        var status = JobStatus.completed
        var records: Int64 = 1
        var unmarked: String?
        var source = "s"
        var points = ["q"]
        var isDeleting = false
        var hasEvents = true
        var hasRow = true
    }

    /// Jobs, the oldest first, and the numbers (from 1 on) of those that go, lose their history, and stay because of what they tell.
    struct Case: Sendable, CustomTestStringConvertible {
        let testDescription: String
        var keep = 1
        let jobs: [Job]
        var goes: [JobID] = []
        var histories: [JobID] = []
        var needed: [JobID] = []
    }

    static let cases = [
        Case(testDescription: "an empty store", jobs: []),
        Case(testDescription: "one old job", jobs: [Job(days: 99)], histories: [1]),
        Case(
            testDescription: "the newest of each target stays",
            jobs: [Job(days: 99), Job(target: "b", days: 98), Job(days: 97), Job(target: "b", days: 96)],
            goes: [1, 2],
            histories: [3, 4]
        ),
        Case(
            testDescription: "the newest two stay",
            keep: 2,
            jobs: [Job(days: 99), Job(days: 98), Job(days: 97)],
            goes: [1],
            histories: [2, 3]
        ),
        Case(
            testDescription: "more are kept than there are",
            keep: 9,
            jobs: [Job(days: 99), Job(days: 1)],
            histories: [1]
        ),
        Case(testDescription: "young jobs stay", jobs: [Job(days: 29.99), Job(days: 1), Job(days: 0)]),
        Case(testDescription: "to the millisecond", jobs: [Job(days: 30), Job(days: 1)], goes: [1]),
        Case(
            testDescription: "an open job stays and counts as the newest",
            jobs: [Job(days: 99), Job(days: nil, status: .running)],
            goes: [1]
        ),
        Case(
            testDescription: "an old one that is open again stays",
            jobs: [Job(days: nil, status: .paused), Job(days: 99), Job(days: 1)],
            goes: [2]
        ),
        Case(
            testDescription: "failed and cancelled ones go as well",
            jobs: [Job(days: 99, status: .failed), Job(days: 98, status: .cancelled), Job(days: 1)],
            goes: [1, 2]
        ),
        Case(
            testDescription: "what has no row, and what has begun to go, goes whatever its age",
            jobs: [Job(hasRow: false), Job(days: 0, status: .cancelled, isDeleting: true), Job(days: 0)],
            goes: [1, 2]
        ),
        Case(
            testDescription: "one that is being deleted is none of the kept ones",
            jobs: [Job(days: 99), Job(days: 0, status: .cancelled, isDeleting: true)],
            goes: [2],
            histories: [1]
        ),
        Case(
            testDescription: "the last answer about unmarked points stays",
            jobs: [
                Job(days: 99, unmarked: "ours"), Job(days: 98, unmarked: "ours"), Job(days: 97),
                Job(days: 1),
            ],
            goes: [1, 3],
            histories: [2],
            needed: [2]
        ),
        Case(
            testDescription: "both answers stay",
            jobs: [
                Job(days: 99, unmarked: "ours"), Job(days: 98, unmarked: "foreign"), Job(days: 1, unmarked: "foreign"),
            ],
            goes: [2],
            histories: [1],
            needed: [1]
        ),
        Case(
            testDescription: "that the table was migrated stays known",
            jobs: [Job(days: 99), Job(days: 98), Job(days: 97, status: .cancelled, records: 0)],
            goes: [1],
            histories: [2, 3],
            needed: [2]
        ),
        Case(
            testDescription: "on every server of points",
            jobs: [Job(days: 99, points: ["old"]), Job(days: 98), Job(days: 1)],
            goes: [2],
            histories: [1],
            needed: [1]
        ),
        Case(
            testDescription: "under every name of the source",
            jobs: [Job(days: 99, source: "x"), Job(days: 98, source: "x"), Job(days: 1, source: "y")],
            goes: [1],
            histories: [2],
            needed: [2]
        ),
        Case(
            testDescription: "a job without history has none to lose",
            jobs: [Job(days: 99, hasEvents: false)]
        ),
    ]

    private static func rows(_ jobs: [Job]) -> [RetentionSummary] {
        jobs.enumerated().map { index, job in
            let id = JobID(index + 1)
            var config = ["source": job.source]
            config[UnmarkedPoints.configKey] = job.unmarked
            let summary = JobSummary(
                id: id,
                targetKey: job.target,
                status: job.status,
                configHash: "h",
                config: config,
                settings: JobSettings(maxRetries: 0, leaseSeconds: 1, batchTimeoutSeconds: 1),
                planCursor: nil,
                planUpper: nil,
                sealed: true,
                nextBatchNumber: 1,
                totalBatches: 1,
                totalRecords: job.records,
                sourceCount: nil,
                currentRound: 0,
                controllerId: nil,
                createdAt: "",
                startTime: nil,
                endTime: nil,
                reason: nil,
                servers: JobServers(points: job.points)
            )
            return RetentionSummary(
                jobId: id,
                job: job.hasRow ? summary : nil,
                endedMs: job.hasRow ? job.days.map { Int64($0 * 86_400_000) } : nil,
                deleting: job.isDeleting,
                hasEvents: job.hasEvents
            )
        }
    }

    @Test(arguments: cases)
    func `decides what goes`(test: Case) {
        let retention = Retention(olderThan: .seconds(30 * 86_400), keep: test.keep)
        let rows = Self.rows(test.jobs)
        for jobs in [rows, rows.reversed()] {
            let plan = retention.plan(jobs)
            #expect(plan.departures.map(\.job.jobId) == test.goes)
            #expect(plan.histories.map(\.jobId) == test.histories)
            #expect(plan.needed.map(\.jobId) == test.needed)
        }
        // What stays tells as much as before: a second prune finds nothing else to delete.
        let left = rows.filter { !test.goes.contains($0.jobId) }
        #expect(retention.plan(left).departures.isEmpty)
        #expect(retention.plan(left).needed.map(\.jobId) == test.needed)
    }

    @Test func `knows why each goes`() {
        let rows = Self.rows([Job(days: 99), Job(hasRow: false), Job(days: 9, isDeleting: true), Job(days: 0)])
        let plan = Retention(olderThan: .seconds(86_400), keep: 1).plan(rows)
        #expect(plan.departures.map(\.reason) == [.old, .orphaned, .interrupted])
    }

    @Test(
        arguments: [
            ([Job(days: 9)], true), ([Job(days: 9), Job(days: 1)], false),
            ([Job(days: 9), Job(target: "b", days: 1)], true),
            ([Job(days: 9), Job(days: 1, isDeleting: true)], true), ([Job(days: 9), Job(hasRow: false)], true),
            ([Job(days: 9), Job(days: 1, records: 0)], true), ([Job(days: 9, records: 0), Job(days: 1)], false),
            ([Job(days: 9, unmarked: "ours"), Job(days: 1)], true),
            ([Job(days: 9, unmarked: "ours"), Job(days: nil, status: .running, unmarked: "ours")], false),
            ([Job(days: 9, unmarked: "ours"), Job(days: 1, unmarked: "foreign")], true),
            ([Job(days: 9, points: ["x"]), Job(days: 1)], true), ([Job(days: 9, source: "x"), Job(days: 1)], true),
        ] as [([Job], Bool)]
    )
    func `knows whether a job tells what no other one does`(jobs: [Job], isNeeded: Bool) throws {
        let rows = Self.rows(jobs)
        #expect(Retention.isNeeded(try #require(rows[0].job), among: rows) == isNeeded)
    }

    @Test(
        arguments: [
            (0, 0, 1, 1), (1, 0, 1, 1), (0, 5, 1, 1), (10, 1_000, 10, 2), (10, 10, 200, 200), (10, 100_000, 1, 1),
            (1, .max, 1, 1), (3, 7, 200, 125), (4, 1_000, 4, 1), (4, 999, 4, 1),
        ] as [(Int, Int64, Int, Int)]
    )
    func `pages of requeues are short`(batches: Int, records: Int64, whole: Int, isolated: Int) throws {
        var job = try #require(Self.rows([Job(days: 1)])[0].job)
        job.totalBatches = batches
        job.totalRecords = records
        #expect(RequeuePaging.batches(of: job, isolates: false) == whole)
        #expect(RequeuePaging.batches(of: job, isolates: true) == isolated)
    }
}
