import GRDB
import Migration

// Opening failed work again: sql/sqlite/006_requeue.sql.

extension SQLiteTransaction {
    /// Isolating stops when a call has made about this many batches.
    private static let isolatedRecordsMax = 10_000

    /// The job, or the answer when nothing more is to be done.
    private enum Beginning {
        case goesOn(SQLiteJob)
        case answered(RequeueAnswer)
    }

    private func begin(_ id: JobID, _ request: String) throws -> Beginning {
        func none(_ result: RequeueAnswer.Result) -> Beginning {
            .answered(RequeueAnswer(result: result, batches: 0, records: 0, more: false))
        }
        guard let job = try job(id) else { return none(.notFound) }
        if job.lastRequestID == request, let stored = job.lastRequestResult {
            var answer = try Self.value(RequeueAnswer.self, stored)
            answer.result = .duplicate
            return .answered(answer)
        }
        if job.status == .cancelled { return none(.refused) }
        if try row("other_open_job", ["target": job.targetKey, "job": id]) != nil { return none(.conflict) }
        return .goesOn(job)
    }

    private func end(
        _ job: SQLiteJob,
        _ request: String,
        made: Int,
        _ answer: RequeueAnswer
    ) throws -> RequeueAnswer {
        // Work goes on because a person wanted it.
        if answer.batches > 0 { try run("set_baselines", ["job": job.id]) }
        try run(
            "requeued",
            [
                "job": job.id, "batches": answer.batches, "made": made, "request": request,
                "answer": Self.json(answer),
            ]
        )
        return answer
    }

    private static func arguments(_ job: JobID, _ filter: RequeueFilter, limit: Int) -> Arguments {
        [
            "job": job, "after": filter.after, "batches": filter.batchNumbers.map { RecordList.text($0) },
            "records": filter.recordIds.map { RecordList.text($0) }, "stage": filter.stage?.rawValue,
            "code": filter.code, "limit": limit + 1,
        ]
    }

    func requeue(_ call: RequeueFailedBatches) throws -> RequeueAnswer {
        let request = try call.requestId.uuid("request_id")
        try Self.demandLimit(call.limit, upTo: 1000)
        let job: SQLiteJob
        switch try begin(call.job, request) {
        case .answered(let answer): return answer
        case .goesOn(let found): job = found
        }
        let arguments = Self.arguments(job.id, call.filter, limit: call.limit)
        let failed = try rows("failed_batches", arguments).map(SQLiteBatch.init)
        var picked: [SQLiteBatch] = []
        var records = 0
        for batch in failed.prefix(call.limit) {
            if call.isolate, records >= Self.isolatedRecordsMax { break }
            picked.append(batch)
            records += batch.recordCount
        }
        var delta = SQLiteCounters(failedBatches: -Int64(picked.count))
        if call.isolate { delta.completedBatches = Int64(picked.count) }
        var singles: [[RecordID]] = []
        for batch in picked {
            delta.add(batch.counts, sign: -1)
            try log("requeued", of: job, batch: batch.number, ["mode": call.isolate ? "isolate" : "plain"])
            if call.isolate { singles += try recordIDs(job.id, batch.number).map { [$0] } }
            try run(
                call.isolate ? "divide" : "reopen",
                ["job": job.id, "number": batch.number, "now": now.microseconds, "at": at]
            )
            try run("resolve_batch", ["job": job.id, "number": batch.number, "at": at])
        }
        try add(singles, round: job.currentRound + 1, to: job)
        let answer = RequeueAnswer(
            result: .applied,
            batches: call.isolate ? singles.count : picked.count,
            records: records,
            more: failed.count > picked.count,
            next: failed.count > picked.count ? picked.last.map { Int64($0.number) } : nil
        )
        try count(job.id, delta)
        return try end(job, request, made: singles.count, answer)
    }

    func requeue(_ call: RequeueFailedRecords) throws -> RequeueAnswer {
        let request = try call.requestId.uuid("request_id")
        try Self.demandLimit(call.limit, upTo: 10_000)
        try demand((1...1000).contains(call.batchSize), "batch_size must be 1…1000")
        let job: SQLiteJob
        switch try begin(call.job, request) {
        case .answered(let answer): return answer
        case .goesOn(let found): job = found
        }
        let letters: [(record: RecordID, number: Int)] = try rows(
            "failed_records",
            Self.arguments(job.id, call.filter, limit: call.limit)
        ).map { try ($0["record_id"], $0["batch_number"]) }
        let ids = letters.prefix(call.limit).map(\.record)
        let groups = stride(from: 0, to: ids.count, by: call.batchSize).map {
            Array(ids[$0..<min($0 + call.batchSize, ids.count)])
        }
        try add(groups, round: job.currentRound + 1, to: job)
        let moved = Dictionary(grouping: letters.prefix(call.limit), by: \.number).mapValues(\.count)
        for (number, count) in moved.sorted(by: { $0.key < $1.key }) {
            try run("move_records", ["job": job.id, "number": number, "moved": count])
            try log("requeued", of: job, batch: number, ["mode": "records"])
        }
        for id in ids { try run("resolve_record", ["job": job.id, "record": id, "at": at]) }
        try count(job.id, SQLiteCounters(failed: -Int64(ids.count)))
        let answer = RequeueAnswer(
            result: .applied,
            batches: groups.count,
            records: ids.count,
            more: letters.count > ids.count,
            next: letters.count > ids.count ? ids.last : nil
        )
        return try end(job, request, made: groups.count, answer)
    }
}
