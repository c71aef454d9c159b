import Logging
import Migration
import Terminal

/// The only place that turns a runner's events into log lines: constant messages, ids in the metadata.
struct EventLog: Sendable {
    let logger: Logger

    func write(_ event: MigrationEvent) {
        switch event {
        case .jobOpened(let job, let isNew):
            logger.info("Job opened", metadata: ["job.id": "\(job.id)", "job.is_new": "\(isNew)"])
        case .controlling(let isController, let epoch):
            logger.info("Controller lease", metadata: ["held": "\(isController)", "epoch": "\(epoch)"])
        case .planned(let batches, let records):
            logger.debug("Page planned", metadata: ["batches": "\(batches)", "records.planned": "\(records)"])
        case .uncounted(let failure):
            logger.notice("Source rows not counted", metadata: ["error.message": "\(failure.detail)"])
        case .sealed(let batches, let records):
            logger.info("Plan complete", metadata: ["batches": "\(batches)", "records": "\(records)"])
        case .claimed(let worker, let batch, let attempt, let records):
            logger.debug(
                "Batch claimed",
                metadata: ids(worker, batch, attempt).merging(["records": "\(records)"]) { $1 }
            )
        case .finished(let worker, let batch, let attempt, let outcome, let counts, let reason):
            var metadata = ids(worker, batch, attempt)
            metadata["outcome"] = "\(outcome.rawValue)"
            metadata["records.processed"] = "\(counts.processed)"
            metadata["records.failed"] = "\(counts.failed)"
            if let reason {
                metadata["error.code"] = "\(reason.code)"
                metadata["error.message"] = "\(reason.message)"
            }
            logger.log(level: outcome == .failed ? .warning : .debug, "Batch ended", metadata: metadata)
        case .leaseLost(let worker, let batch, let attempt):
            logger.warning("Lease lost, work dropped", metadata: ids(worker, batch, attempt))
        case .recordFailed(let batch, let failure):
            logger.info(
                "Record given up",
                metadata: [
                    "batch.id": "\(batch)", "record.id": "\(failure.recordId)", "stage": "\(failure.stage.rawValue)",
                    "error.code": "\(failure.code)",
                ]
            )
        case .manyMissing(let batch, let missing, let records):
            logger.warning(
                "Many planned rows are not in the source: a lagging replica?",
                metadata: ["batch.id": "\(batch)", "missing": "\(missing)", "records": "\(records)"]
            )
        case .pointsRemoved(let records, let points):
            logger.info(
                "Points of records without a text deleted",
                metadata: ["records": "\(records)", "points": "\(points)"]
            )
        case .embedded(let chunks, let tokens, let shared, let recalled):
            logger.trace(
                "Request embedded",
                metadata: [
                    "chunks": "\(chunks)", "tokens": "\(tokens)", "shared": "\(shared)", "recalled": "\(recalled)",
                ]
            )
        case .cacheGivenUp(let reason):
            logger.warning("Embedding cache is not used any more", metadata: ["reason": "\(reason)"])
        case .cacheDamaged(let vectors):
            logger.warning("Embedding cache has damaged entries", metadata: ["vectors": "\(vectors)"])
        case .throttled(let wait):
            logger.notice("Embedder asks to wait", metadata: ["wait": "\(Format.duration(wait))"])
        case .waitCut(let service, let asked, let wait):
            logger.warning(
                "Service asks for a long wait, will be asked again before",
                metadata: [
                    "service": "\(service.rawValue)", "asked": "\(Format.duration(asked))",
                    "wait": "\(Format.duration(wait))",
                ]
            )
        case .limitsLearned(let limits):
            logger.log(
                level: limits.isVeryLow ? .warning : .info,
                limits.isVeryLow ? "Embedder states a very low limit" : "Embedder states its limits",
                metadata: [
                    "tokens.per.minute": "\(limits.tokensPerMinute.map(String.init) ?? "unknown")",
                    "requests.per.minute": "\(limits.requestsPerMinute.map(String.init) ?? "unknown")",
                ]
            )
        case .retrying(let service, let failure, let after):
            logger.warning(
                "Call failed, will be repeated",
                metadata: [
                    "service": "\(service.rawValue)", "error.message": "\(failure.detail)",
                    "wait": "\(Format.duration(after))",
                ]
            )
        case .reaped(let reset, let failed):
            logger.notice(
                "Attempts without a living runner ended",
                metadata: ["reset": "\(reset)", "failed": "\(failed)"]
            )
        case .isolated(let batch, let records):
            logger.warning(
                "Batch divided into its records",
                metadata: ["batch.id": "\(batch)", "records": "\(records)"]
            )
        case .workerEnded(let worker, let how, let again):
            logger.warning(
                "Worker process ended",
                metadata: ["worker.id": "\(worker)", "how": "\(how)", "wait": "\(Format.duration(again))"]
            )
        case .paused: logger.notice("Job is paused")
        case .waitingForLeases(let batches, let atMost):
            logger.notice(
                "Waiting for the leases of other runners",
                metadata: ["batches": "\(batches)", "at.most": "\(Format.duration(atMost))"]
            )
        case .progress: break
        case .stopping(.fatal(let service, let failure)):
            logger.error(
                "Stopping: a person must act",
                metadata: ["service": "\(service.rawValue)", "error.message": "\(failure.detail)"]
            )
        case .stopping: logger.info("Runner stops")
        }
    }

    private func ids(_ worker: Int, _ batch: Int, _ attempt: Int) -> Logger.Metadata {
        ["worker.id": "\(worker)", "batch.id": "\(batch)", "lease.attempt": "\(attempt)"]
    }
}
