import Migration
import Terminal

/// The list of `migrate events`.
enum EventTable {
    static func text(_ events: [EventSummary], hasHeader: Bool = true) -> String {
        let rows = events.map { event in
            let details = event.detail.filter { !$0.value.isEmpty }.sorted { $0.key < $1.key }
            return [
                Format.time(event.at), event.batchNumber.map(String.init) ?? "", event.attempt.map(String.init) ?? "",
                event.kind, event.workerId ?? "", details.map { "\($0.key)=\($0.value)" }.joined(separator: " "),
            ]
        }
        let text = Table(header: ["TIME", "BATCH", "ATTEMPT", "EVENT", "WORKER", "DETAIL"], rows: rows).text
        return hasHeader ? text : text.split(separator: "\n", maxSplits: 1).dropFirst().joined()
    }
}

/// A line of JSON about a part of a job, with the job's number in it.
struct OfJob<Line: Encodable>: Encodable {
    private enum CodingKeys: CodingKey { case job }

    private let job: JobID
    private let line: Line

    init(_ job: JobSummary, _ line: Line) {
        self.job = job.id
        self.line = line
    }

    func encode(to encoder: any Encoder) throws {
        try line.encode(to: encoder)
        var container = encoder.container(keyedBy: CodingKeys.self)
        try container.encode(job, forKey: .job)
    }
}

/// The list of `migrate failures`; the sentence is the last column, so that it may be long.
enum FailureTable {
    static func text(_ failures: [FailureSummary], hasHeader: Bool = true) -> String {
        let rows = failures.map { failure in
            let remark = failure.resolvedAt != nil ? " (given another try)" : failure.permanent ? " (permanent)" : ""
            return [
                "\(failure.recordId)", "\(failure.batchNumber)", failure.stage.rawValue, failure.code,
                failure.message + remark,
            ]
        }
        let text = Table(header: ["RECORD", "BATCH", "STEP", "CODE", "REASON"], rows: rows).text
        return hasHeader ? text : text.split(separator: "\n", maxSplits: 1).dropFirst().joined()
    }
}

/// The list of `migrate jobs`.
enum JobTable {
    static func text(_ jobs: [JobSummary]) -> String {
        Table(
            header: ["JOB", "STATUS", "RECORDS", "BATCHES", "STARTED", "ENDED", "TARGET"],
            rows: jobs.map { job in
                let planning = job.sealed || !job.status.isOpen ? "" : " so far"
                return [
                    "\(job.id)", job.status.rawValue, Format.count(job.totalRecords) + planning,
                    Format.count(Int64(job.totalBatches)), Format.time(job.startTime), Format.time(job.endTime),
                    job.targetKey,
                ]
            }
        ).text
    }
}
