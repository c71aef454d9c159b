package import Migration

extension TrackingTables {
    /// `list_ingestion_jobs`: newest first.
    func list(_ call: ListIngestionJobs) throws(PortFailure) -> ListIngestionJobs.Answer {
        let rows = jobs.reversed().lazy.filter { job in
            !deletedJobs.contains(job.id) && (call.job.map { $0 == job.id } ?? true)
                && (call.after.map { job.id < $0 } ?? true)
                && (call.filter.targetKey.map { $0 == job.targetKey } ?? true)
                && (call.filter.collection.map { $0 == job.config["collection"] } ?? true)
                && (call.filter.open.map { $0 == job.status.isOpen } ?? true)
        }
        let page = try Page(rows.map(\.summary), limit: call.limit)
        return .init(rows: page.rows, next: page.next?.id)
    }

    /// `list_ingestion_batches`: by number.
    func list(_ call: ListIngestionBatches, _ now: DatabaseTime) throws(PortFailure) -> ListIngestionBatches.Answer {
        let batches = index(of: call.job).map { jobs[$0].batches } ?? BatchTable()
        let rows = batches.lazy.filter { batch in
            (call.after.map { batch.number > $0 } ?? true)
                && (call.filter.status.map { $0 == batch.status } ?? true)
                && (call.filter.batchNumbers.map { $0.contains(batch.number) } ?? true)
                && (call.filter.requeued.map { $0 == (batch.round > 0) } ?? true)
        }
        let page = try Page(rows.map { $0.summary(at: now) }, limit: call.limit)
        return .init(rows: page.rows, next: page.next?.batchNumber)
    }

    /// `list_ingestion_failures`: by record id.
    func list(_ call: ListIngestionFailures) throws(PortFailure) -> ListIngestionFailures.Answer {
        let failures = index(of: call.job).map { jobs[$0].failures } ?? [:]
        let rows = failures.sorted { $0.key < $1.key }.lazy.filter { id, letter in
            (call.after.map { id > $0 } ?? true)
                && (call.filter.open.map { $0 == (letter.resolvedAt == nil) } ?? true)
                && (call.filter.stage.map { $0 == letter.stage } ?? true)
                && (call.filter.code.map { $0 == letter.code } ?? true)
                && (call.filter.batchNumbers.map { $0.contains(letter.batchNumber) } ?? true)
        }
        let page = try Page(rows.map { $0.value.summary(of: $0.key) }, limit: call.limit)
        return .init(rows: page.rows, next: page.next?.recordId)
    }

    /// `list_ingestion_events`: by id, ascending or descending.
    func list(_ call: ListIngestionEvents) throws(PortFailure) -> ListIngestionEvents.Answer {
        let isDown = call.filter.newest ?? false
        let events = index(of: call.job).map { jobs[$0].events } ?? []
        let rows = (isDown ? events.reversed() : events).lazy.filter { event in
            (call.after.map { isDown ? event.id < $0 : event.id > $0 } ?? true)
                && (call.filter.kind.map { $0 == event.kind } ?? true)
                && (call.filter.batchNumbers.map { numbers in event.batchNumber.map(numbers.contains) ?? false } ?? true)
        }
        let page = try Page(rows, limit: call.limit)
        return .init(rows: page.rows, next: page.next?.id)
    }

    /// Appends to `ingestion_event`, if the job records events.
    mutating func record(
        _ kind: String,
        in index: Int,
        _ transaction: Transaction,
        batch number: Int? = nil,
        _ detail: [String: String] = [:]
    ) {
        guard jobs[index].settings.recordEvents else { return }
        let batch = number.map { jobs[index].batches[$0] }
        jobs[index].events.append(
            EventSummary(
                id: nextEventID,
                at: transaction.now.text,
                batchNumber: number,
                attempt: batch?.attempt,
                claimId: batch?.claimID,
                workerId: batch?.workerID,
                kind: kind,
                detail: detail
            )
        )
        nextEventID += 1
    }
}

/// The first `limit` rows, and the last of them when there are more.
struct Page<Row> {
    let rows: [Row]
    let next: Row?

    init(_ all: some Sequence<Row>, limit: Int) throws(PortFailure) {
        try require((1...1000).contains(limit), "p_limit must be 1…1000")
        let read = Array(all.prefix(limit + 1))
        rows = Array(read.prefix(limit))
        next = read.count > limit ? rows.last : nil
    }
}

extension JobRow {
    package var summary: JobSummary {
        JobSummary(
            id: id,
            targetKey: targetKey,
            status: status,
            configHash: configHash,
            config: config,
            settings: settings,
            planCursor: planCursor,
            planUpper: planUpper,
            sealed: isSealed,
            nextBatchNumber: totalBatches,
            totalBatches: totalBatches,
            totalRecords: totalRecords,
            sourceCount: sourceCount,
            currentRound: currentRound,
            controllerId: controllerID,
            createdAt: createdAt.text,
            startTime: startedAt?.text,
            endTime: finishedAt?.text,
            reason: reason,
            servers: servers,
            historyCutAt: historyCutAt?.text
        )
    }
}

extension BatchRow {
    package func summary(at now: DatabaseTime) -> BatchSummary {
        BatchSummary(
            batchNumber: number,
            status: status,
            round: round,
            recordIds: recordIDs,
            attempt: attempt,
            retryCount: retryCount,
            counts: counts,
            moved: moved,
            workerId: workerID,
            nextRetryMs: status == .pending ? nextRetryAt.wait(at: now) : 0,
            lastOutcome: lastOutcome,
            errorCode: error?.code,
            errorMessage: error.map { String($0.message.prefix(500)) }
        )
    }
}

extension FailureRow {
    package func summary(of record: RecordID) -> FailureSummary {
        FailureSummary(
            recordId: record,
            batchNumber: batchNumber,
            attempt: attempt,
            stage: stage,
            code: code,
            message: message,
            permanent: permanent,
            firstAt: firstAt.text,
            lastAt: lastAt.text,
            times: times,
            resolvedAt: resolvedAt?.text
        )
    }
}
