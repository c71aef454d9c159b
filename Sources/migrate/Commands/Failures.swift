import ArgumentParser
import Migration

extension FailureStage: ExpressibleByArgument {}

/// Which failures a command is about.
struct FailureFilter: ParsableArguments {
    @Option(name: .long, help: "Only failures of this step: fetch, decode, chunk, embed, upsert or batch.")
    var stage: FailureStage?

    @Option(name: .long, help: "Only failures with this code, for example too_long.")
    var code: String?

    @Option(name: .long, help: "Only failures of this batch; may be repeated.")
    var batch: [Int] = []
}

struct Failures: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Lists the records that could not be migrated, and why.",
        discussion: """
            Never shows a record's text. With --json one failure per line.

            EXAMPLES
              migrate failures
              migrate failures --stage embed --json
              migrate retry                          try them again
            """
    )

    @OptionGroup var which: JobOption
    @OptionGroup var filter: FailureFilter

    @Flag(name: .long, help: "Also those that were given another try since.")
    var all = false

    @OptionGroup var settings: TrackingSettings

    func run() async throws {
        let console = Console.standard
        let wiring = try settings.wiring()
        let store = try wiring.store()
        let job = try await which.find(by: wiring, in: store, console: console, isJSON: settings.common.json)
        let wanted = ListIngestionFailures.Filter(
            open: all ? nil : true,
            stage: filter.stage,
            code: filter.code,
            batchNumbers: filter.batch.isEmpty ? nil : filter.batch
        )
        var after: RecordID?
        var isFirst = true
        repeat {
            let call = ListIngestionFailures(job: job.id, filter: wanted, after: after, limit: 500)
            let page = try await patiently { () async throws(PortFailure) in try await store.failures(call) }
            if settings.common.json {
                for failure in page.rows { console.out(try JSONText.of(OfJob(job, failure))) }
            } else if isFirst, page.rows.isEmpty {
                console.out("Job \(job.id) has no such failures.")
            } else if !page.rows.isEmpty {
                console.out(FailureTable.text(page.rows, hasHeader: isFirst))
            }
            isFirst = false
            after = page.next
        } while after != nil
    }
}

/// A line of JSON about something of a job, with the job's number in it.
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

/// The list of `migrate failures`; the sentence comes last, so that it may be as long as it is.
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

struct Retry: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Gives failed batches and records another try.",
        discussion: """
            Failed batches are opened again, and the failed records of completed batches become new batches of the same job. \
            Then `migrate run` works on them.

            EXAMPLES
              migrate retry
              migrate retry --stage embed
              migrate retry --records --code too_long
              migrate retry --batches --isolate   each record of a failed batch by itself
            """
    )

    @OptionGroup var which: JobOption
    @OptionGroup var filter: FailureFilter

    @Option(name: .long, help: "Only this record; may be repeated.")
    var record: [RecordID] = []

    @Flag(name: .long, help: "Only batches that failed as a whole.")
    var batches = false

    @Flag(name: .long, help: "Only failed records of completed batches.")
    var records = false

    @Flag(name: .long, help: "Make each record of a failed batch a batch of its own.")
    var isolate = false

    @OptionGroup var settings: TrackingSettings

    func validate() throws {
        if batches, records { throw ValidationError("--batches and --records exclude each other; neither means both") }
        if records, isolate { throw ValidationError("--isolate divides failed batches, which --records leaves out") }
    }

    func run() async throws {
        let console = Console.standard
        let wiring = try settings.wiring()
        let store = try wiring.store()
        let job = try await which.find(by: wiring, in: store, console: console, isJSON: settings.common.json)
        let wanted = RequeueFilter(
            batchNumbers: filter.batch.isEmpty ? nil : filter.batch,
            recordIds: record.isEmpty ? nil : record,
            stage: filter.stage,
            code: filter.code
        )
        let entropy = Wiring.entropy
        let parts: [RetryPart] = batches ? [.batches] : records ? [.records] : RetryPart.allCases
        var report = try await requeue(job, wanted, parts, isolate: isolate, in: store, entropy: entropy)
        report.target = job.targetKey
        console.out(settings.common.json ? try JSONText.of(report) : report.text)
    }
}

/// What `migrate retry` did.
struct RetryReport: Encodable, Equatable {
    let job: JobID
    /// The job's table and collection.
    var target: String?
    var batches = 0
    var records = 0

    var text: String {
        guard batches > 0 else { return "Job \(job) has nothing of that kind to try again." }
        let records = Format.plural(Int64(records), "record")
        return
            "\(records) in \(Format.plural(Int64(batches), "batch", "batches")) will be tried again: `migrate run --resume`."
    }
}

/// What can be given another try.
enum RetryPart: CaseIterable {
    /// Batches that failed as a whole.
    case batches
    /// Failed records of completed batches.
    case records
}

/// Requeues all matching batches and records, page by page: each goes on after the one before, so that what fails again
/// meanwhile is not taken a second time.
///
/// - Throws: `CommandEnd` when the job does not allow it.
func requeue(
    _ job: JobSummary,
    _ filter: RequeueFilter,
    _ parts: [RetryPart] = RetryPart.allCases,
    isolate: Bool,
    in store: any JobStore,
    entropy: any Entropy
) async throws -> RetryReport {
    var report = RetryReport(job: job.id)
    /// Adds one answer up, and says what the next page is to take.
    func add(_ answer: RequeueAnswer) throws -> RequeueFilter? {
        switch answer.result {
        case .applied, .duplicate: break
        case .refused: throw CommandEnd(.incomplete, "job \(job.id) was cancelled; a new `migrate run` plans a new one")
        case .conflict:
            throw CommandEnd(.incomplete, "another job of the same target is open; finish or cancel it first")
        case .notFound: throw CommandEnd(.incomplete, "there is no job \(job.id)")
        }
        report.batches += answer.batches
        report.records += answer.records
        guard answer.more else { return nil }
        var rest = filter
        rest.after = answer.next
        return rest
    }
    var page = parts.contains(.batches) ? filter : nil
    // Each page has its own request id, so that a repeated page is recognised and a new one is not.
    while let wanted = page {
        let call = RequeueFailedBatches(
            job: job.id,
            requestId: entropy.uuid(),
            filter: wanted,
            isolate: isolate,
            limit: RequeuePaging.batches(of: job, isolates: isolate)
        )
        page = try add(await patiently { () async throws(PortFailure) in try await store.requeueBatches(call) })
        // What isolating has made is behind all that was there: where that fails again, this is not without end.
        if let after = page?.after, after >= Int64(job.nextBatchNumber) { page = nil }
    }
    page = parts.contains(.records) ? filter : nil
    while let wanted = page {
        let call = RequeueFailedRecords(
            job: job.id,
            requestId: entropy.uuid(),
            filter: wanted,
            batchSize: 100,
            limit: RequeuePaging.recordsMax / 2  // each is also moved to another batch
        )
        page = try add(await patiently { () async throws(PortFailure) in try await store.requeueRecords(call) })
    }
    return report
}
