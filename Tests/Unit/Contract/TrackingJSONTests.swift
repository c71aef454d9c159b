import Foundation
import Migration
import Testing

/// One call of each function with every optional field set, and the same with none.
private enum Sample {
    static let uuid = "6ba7b810-9dad-41d1-80b4-00c04fd430c8"
    static let counts = BatchCounts(processed: 1, skipped: 2, failed: 3, missing: 4)
    static let servers = JobServers(source: ["b:1/d", "a:1/d"], points: ["https://q"], embedder: ["https://e"])
    static let settings = JobSettings(maxRetries: 3, leaseSeconds: 120, batchTimeoutSeconds: 600, servers: servers)
    static let config = ["chunkSize": "512", "chunk_size": "256", "URL": "x", "": "empty", "p_job": "1"]
    static let letter = FailedRecord(recordId: .max, stage: .embed, code: "c", message: "m", permanent: true)

    static let full: [any TrackingCall] = [
        SchemaVersion(),
        OpenIngestionJob(
            targetKey: "t",
            configHash: "h",
            config: config,
            settings: settings,
            controllerId: "c",
            token: uuid,
            start: true
        ),
        JoinIngestionJob(job: 7, configHash: "h", controllerId: "c", token: uuid),
        AddIngestionServers(job: 7, servers: servers),
        RenewController(job: 7, epoch: 2, token: uuid),
        AppendIngestionBatches(job: 7, epoch: 2, token: uuid, expectedCursor: .min, batches: [[.min, -1], [.max]]),
        SealIngestionPlan(job: 7, epoch: 2, token: uuid, expectedCursor: 1, upper: .max, sourceCount: 3),
        ClaimNextBatch(
            job: 7,
            worker: "w",
            claimId: uuid,
            limit: 3,
            configHash: "h",
            floor: ClaimFloor(nextRetryAt: "2026-01-01T00:00:00.000001Z", batchNumber: 4)
        ),
        BumpBatchProgress(
            job: 7,
            worker: "w",
            items: [HeartbeatItem(batchNumber: 1, attempt: 2, claimId: uuid, counts: counts)]
        ),
        FinishBatch(
            job: 7,
            batchNumber: 1,
            attempt: 2,
            claimId: uuid,
            outcome: .failed,
            counts: counts,
            failedRecords: [letter],
            retryAfterMs: 5,
            error: BatchError(code: "c", message: "m")
        ),
        ResetStuckBatches(job: 7, limit: 10, full: true),
        GetIngestionJobStats(job: 7),
        GetIngestionJobStatsExact(job: 7),
        ControlIngestionJob(job: 7, action: .cancel, reason: "why"),
        FinalizeIngestionJob(job: 7),
        RequeueFailedBatches(
            job: 7,
            requestId: uuid,
            filter: RequeueFilter(batchNumbers: [1], recordIds: [.max], stage: .chunk, code: "c", after: .min),
            isolate: true,
            limit: 5
        ),
        RequeueFailedRecords(job: 7, requestId: uuid, filter: RequeueFilter(), batchSize: 9, limit: 5),
        ReleaseIngestionBatches(
            job: 7,
            filter: .init(worker: "w", olderThanMs: 9, batchNumbers: [1], claimedUntil: "2026-01-01T00:00:00.000000Z"),
            limit: 5,
            dryRun: true
        ),
        RecountIngestionJob(job: 7),
        ReserveQuota(quota: "q", cost: 5, maxWaitMs: 6),
        ReportQuota(quota: "q", report: QuotaReport(tokensPerMinute: 1, requestsPerMinute: 2, throttledMs: 3)),
        ListIngestionQuotas(after: "q", limit: 5), ResetIngestionQuota(quota: "q"),
        ListIngestionJobs(job: 7, filter: .init(targetKey: "t", open: true, collection: "c"), after: 9, limit: 5),
        ListIngestionBatches(job: 7, filter: .init(status: .failed, batchNumbers: [1]), after: 9, limit: 5),
        ListIngestionFailures(job: 7, filter: .init(open: true, stage: .fetch), after: .max, limit: 5),
        ListIngestionEvents(job: 7, filter: .init(batchNumbers: [1], kind: "claimed"), after: 9, limit: 5),
        DeleteIngestionJob(job: 7, limit: 5, olderThanMs: .max),
        DeleteIngestionEvents(job: 7, limit: 5, olderThanMs: 9),
        ListIngestionRetention(after: 9, limit: 5), GetIngestionJobRows(job: .max),
        ReportRunner(
            job: 7,
            runner: "r",
            report: RunnerReport(
                host: "h",
                workers: 1,
                held: 2,
                batches: 3,
                records: .max,
                state: "throttled",
                service: "embedder",
                reason: "why",
                sinceMs: 4,
                untilMs: 5,
                startedMs: 6
            )
        ), ListIngestionRunners(job: 7, filter: .init(seenWithinMs: 9), after: "r", limit: 5),
    ]

    static let bare: [any TrackingCall] = [
        AppendIngestionBatches(job: 7, epoch: 2, token: uuid, expectedCursor: nil, batches: []),
        SealIngestionPlan(job: 7, epoch: 2, token: uuid, expectedCursor: nil, upper: nil, sourceCount: nil),
        ClaimNextBatch(job: 7, worker: "w", claimId: uuid, limit: 3, configHash: "h", floor: nil),
        FinishBatch(
            job: 7,
            batchNumber: 1,
            attempt: 2,
            claimId: uuid,
            outcome: .released,
            counts: nil,
            failedRecords: [],
            retryAfterMs: nil,
            error: nil
        ),
        ControlIngestionJob(job: 7, action: .pause, reason: nil),
        ListIngestionJobs(job: nil, filter: .init(), after: nil, limit: 5),
        ListIngestionBatches(job: 7, filter: .init(), after: nil, limit: 5),
        ListIngestionFailures(job: 7, filter: .init(), after: nil, limit: 5),
        ListIngestionEvents(job: 7, filter: .init(), after: nil, limit: 5),
        DeleteIngestionJob(job: 7, limit: 5, olderThanMs: nil), ListIngestionRetention(after: nil, limit: 5),
        ListIngestionRunners(job: 7),
    ]

    static let summary = JobSummary(
        id: 1,
        targetKey: "t",
        status: .running,
        configHash: "h",
        config: config,
        settings: settings,
        planCursor: .min,
        planUpper: .max,
        sealed: true,
        nextBatchNumber: 2,
        totalBatches: 2,
        totalRecords: .max,
        sourceCount: nil,
        currentRound: 0,
        controllerId: nil,
        createdAt: "2026-01-01T00:00:00.000000Z",
        startTime: nil,
        endTime: nil,
        reason: nil
    )
}

@Suite struct `The JSON of the tracking calls` {
    private func json(_ call: some TrackingCall) throws -> String {
        String(decoding: try TrackingJSON.encode(call), as: UTF8.self)
    }

    @Test func `puts a prefix before parameters and nowhere else`() throws {
        let item = HeartbeatItem(batchNumber: 1, attempt: 2, claimId: Sample.uuid, counts: Sample.counts)
        let text = try json(BumpBatchProgress(job: 7, worker: "w", items: [item]))
        let counts = #"{"failed":3,"missing":4,"processed":1,"skipped":2}"#
        let items = #"[{"attempt":2,"batch_number":1,"claim_id":"\#(Sample.uuid)","counts":\#(counts)}]"#
        #expect(text == #"{"p_items":\#(items),"p_job":7,"p_worker":"w"}"#)
    }

    @Test func `names every parameter, absent ones as null`() throws {
        let call = ClaimNextBatch(job: 7, worker: "w", claimId: "c", limit: 3, configHash: "h", floor: nil)
        let expected = #"{"p_claim_id":"c","p_config_hash":"h","p_floor":null,"p_job":7,"p_limit":3,"p_worker":"w"}"#
        #expect(try json(call) == expected)
    }

    @Test func `names the parameters of a bare call as those of a full one`() throws {
        for bare in Sample.bare {
            let twin = try #require(Sample.full.first { type(of: $0) == type(of: bare) })
            #expect(try parameters(bare) == parameters(twin), "\(type(of: bare))")
        }
    }

    private func parameters(_ call: some TrackingCall) throws -> [String] {
        let object = try JSONSerialization.jsonObject(with: TrackingJSON.encode(call))
        return try #require(object as? [String: Any]).keys.sorted()
    }

    @Test func `leaves the keys of a dictionary as they are`() throws {
        let call = try #require(Sample.full.compactMap { $0 as? OpenIngestionJob }.first)
        let object = try JSONSerialization.jsonObject(with: TrackingJSON.encode(call))
        let config = (object as? [String: Any])?["p_config"] as? [String: String]
        #expect(config == Sample.config)
        let data = try TrackingJSON.encode(call)
        #expect(try TrackingJSON.decodeCall(OpenIngestionJob.self, from: data).config == Sample.config)

        let answer = OpenIngestionJob.Answer(result: .created, role: .controller, epoch: 1, job: Sample.summary)
        let wire = try TrackingJSON.encodeAnswer(answer)
        let job = (try JSONSerialization.jsonObject(with: wire) as? [String: Any])?["job"] as? [String: Any]
        #expect(job?["config"] as? [String: String] == Sample.config)
        #expect(try TrackingJSON.decodeAnswer(OpenIngestionJob.Answer.self, from: wire) == answer)
    }

    @Test func `keeps every bit of an id`() throws {
        let ids: [RecordID] = [.min, -9_007_199_254_740_993, 9_007_199_254_740_993, 1_823_456_789_012_345_679, .max]
        let call = AppendIngestionBatches(job: .max, epoch: 1, token: "t", expectedCursor: .min, batches: [ids])
        let text = try json(call)
        #expect(text.contains(ids.map(String.init).joined(separator: ",")))
        #expect(text.contains(#""p_expected_cursor":-9223372036854775808"#))
        #expect(try TrackingJSON.decodeCall(AppendIngestionBatches.self, from: Data(text.utf8)) == call)
        let answer =
            #"{"batches":[{"attempt":1,"batch_number":0,"deadline_ms":1,"lease_ms":1,"record_ids":"#
            + #"[9223372036854775807,1823456789012345679],"retry_count":0}],"floor":null,"job_status":"running","#
            + #""result":"ok","sealed":true,"wait_ms":0}"#
        let claimed = try TrackingJSON.decodeAnswer(ClaimNextBatch.Answer.self, from: Data(answer.utf8))
        #expect(claimed.batches.first?.recordIds == [.max, 1_823_456_789_012_345_679])
    }

    @Test func `brings every call back as it was`() throws {
        for call in Sample.full + Sample.bare { try expectRoundTrip(call) }
        #expect(Set(Sample.full.map { type(of: $0).function }).count == 33)
    }

    private func expectRoundTrip<Call: TrackingCall>(_ call: Call) throws {
        let data = try TrackingJSON.encode(call)
        #expect(try TrackingJSON.decodeCall(Call.self, from: data) == call)
    }

    @Test func `reads an answer with absent and with null fields alike`() throws {
        let absent = #"{"result":"lost"}"#
        let null = #"{"result":"lost","status":null,"outcome":null}"#
        let expected = FinishBatch.Answer(result: .lost, status: nil, outcome: nil)
        for text in [absent, null] {
            #expect(try TrackingJSON.decodeAnswer(FinishBatch.Answer.self, from: Data(text.utf8)) == expected)
        }
    }
}
