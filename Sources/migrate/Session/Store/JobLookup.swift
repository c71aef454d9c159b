import Migration
import Terminal

/// Finds the job of a command: one store holds the jobs of many tables, collections and people.
struct JobLookup: Sendable {
    /// The pair of table and collection in the settings; nil if they name no table with its database.
    let target: String?

    init(target: String?) { self.target = target }

    /// In the form of `Engine.Names`; a table has no database if the settings name none.
    init(table: String, collection: String) {
        target = table.contains(".") ? Engine.Names.targetKey(source: table, collection: collection) : nil
    }

    /// A job, and remarks about the choice.
    struct Found: Sendable {
        let job: JobSummary
        /// Sentences; empty if there was no choice.
        let remarks: [String]

        /// Prints which job it is, before anything is done; with JSON on standard error.
        @discardableResult
        func announced(on console: Console, isJSON: Bool) -> Found {
            let lines = ["Job \(job.id) of \(job.targetKey)."] + remarks
            for line in lines { if isJSON { console.error(line) } else { console.out(line) } }
            return self
        }
    }

    /// Up to 20 pages of 1,000 jobs each are searched for other tables and collections.
    private static let pagesMax = 20
    /// The number of jobs that are searched only for a remark.
    private static let remarkedMax = 100

    /// The job with this number; for nil the newest one of these settings, or of all jobs if they have the same table
    /// and collection.
    ///
    /// - Throws: `CommandEnd` when there is none, or it is unclear which one is meant.
    func find(_ number: JobID?, in store: any JobStore) async throws -> Found {
        if let number { return try await named(number, in: store) }
        guard let target else { return try await onlyOne(in: store) }
        let jobs = try await page(in: store, .init(targetKey: target), limit: Self.remarkedMax).rows
        guard let newest = jobs.first else { throw try await nothing(of: target, in: store) }
        var remarks: [String] = []
        if !newest.status.isOpen, let open = jobs.first(where: \.status.isOpen) {
            remarks.append(
                "Job \(open.id) of the same table and collection is \(open.status.rawValue): --job \(open.id)"
            )
        }
        let others = try await page(in: store, .init(), limit: Self.remarkedMax).rows.filter { $0.targetKey != target }
        if let other = others.first {
            let count = Set(others.map(\.targetKey)).count
            let words = count == 1 ? "another table or collection" : "\(count) other tables or collections"
            remarks.append(
                "The store has jobs of \(words), too, such as job \(other.id) of \(other.targetKey); --job names one."
            )
        }
        return Found(job: newest, remarks: remarks)
    }

    private func named(_ number: JobID, in store: any JobStore) async throws -> Found {
        let jobs = try await page(in: store, .init(), job: number, limit: 1).rows
        guard let job = jobs.first else { throw CommandEnd(.incomplete, "there is no job \(number)") }
        guard let target, target != job.targetKey else { return Found(job: job, remarks: []) }
        return Found(job: job, remarks: ["The settings name \(target): this job is about another table or collection."])
    }

    /// Finds the job when the settings name no table.
    private func onlyOne(in store: any JobStore) async throws -> Found {
        let newest = try await newestOfEach(in: store)
        guard let first = newest.first else { throw Self.noJob }
        if newest.count == 1 { return Found(job: first, remarks: []) }
        throw CommandEnd(
            .usage,
            "the store has jobs of several tables or collections, and the settings name no table (MYSQL_DATABASE): "
                + "say which with --job\n" + Self.list(newest)
        )
    }

    /// The end when the target has no job; it names other targets.
    private func nothing(of target: String, in store: any JobStore) async throws -> CommandEnd {
        let newest = try await newestOfEach(in: store)
        if newest.isEmpty { return Self.noJob }
        return CommandEnd(
            .incomplete,
            "there is no job of \(target); `migrate run` makes one. The store has others, which --job names:\n"
                + Self.list(newest)
        )
    }

    private static let noJob = CommandEnd(.incomplete, "there is no job yet; `migrate run` makes one")

    private static func list(_ jobs: [JobSummary]) -> String {
        jobs.map { "  job \($0.id) of \($0.targetKey) (\($0.status.rawValue))" }.joined(separator: "\n")
    }

    /// The newest job of each table and collection, newest first.
    private func newestOfEach(in store: any JobStore) async throws -> [JobSummary] {
        var found: [JobSummary] = []
        var after: JobID?
        for _ in 0..<Self.pagesMax {
            let answer = try await page(in: store, .init(), after: after, limit: 1_000)
            for job in answer.rows where !found.contains(where: { $0.targetKey == job.targetKey }) { found.append(job) }
            after = answer.next
            if after == nil { break }
        }
        return found
    }

    private func page(
        in store: any JobStore,
        _ filter: ListIngestionJobs.Filter,
        job: JobID? = nil,
        after: JobID? = nil,
        limit: Int
    ) async throws -> ListIngestionJobs.Answer {
        let call = ListIngestionJobs(job: job, filter: filter, after: after, limit: limit)
        return try await patiently { () async throws(PortFailure) in try await store.jobs(call) }
    }
}
