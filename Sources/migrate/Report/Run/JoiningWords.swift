import Engine
import Migration
import Terminal

/// The sentences about joining a job.
struct JoiningWords: Sendable {
    let names: Engine.Names

    func sentence(_ question: Joining.Question) -> String {
        switch question {
        case .resume(let job): "Resume existing job \(job.briefly)?"
        case .close(let closed): "Close job \(closed.briefly) and plan a new one?"
        case .migrate(let records):
            "Migrate \(Format.plural(records, "record")) of \(names.table) into \(names.collection)?"
        case .unpause(let job): "Job \(job.id) is paused\(Self.reason(job)). Let it go on?"
        case .serversMoved(let job, let servers, _):
            "Job \(job.id) has used other servers: \(Self.moves(job, servers)). Are they the same servers, moved?"
        case .unmarkedPoints(let situation):
            "\(Self.unmarked(situation)) Do these points belong to \(names.table)?"
        }
    }

    /// The meaning of an empty line.
    func isYesByDefault(_ question: Joining.Question) -> Bool {
        switch question {
        case .resume, .migrate, .unpause: true
        case .close, .serversMoved, .unmarkedPoints: false
        }
    }

    func sentence(_ notice: Joining.Notice) -> String {
        switch notice {
        case .resuming(let job): "Resuming job \(job.briefly)."
        case .closing(let closed): "Job \(closed.briefly) will be closed; a new one takes its place."
        case .closed(let job): "Job \(job.id) is cancelled; what it has written stays and is not paid for again."
        case .opened(let job): "Job \(job.id) opened."
        case .joined(let job): "Working on job \(job.briefly)."
        case .staysPaused(let job): "Job \(job.id) is paused\(Self.reason(job)); waiting until `migrate resume`."
        case .serversMoved(let job, let servers):
            "Job \(job.id) goes on with servers it has not used before: \(Self.moves(job, servers))."
        }
    }

    /// The end of a command that could not join a job.
    func end(_ end: Joining.End) -> CommandEnd {
        switch end {
        case .refused(let refusal): self.end(refusal)
        case .failed(_, let failure): CommandEnd(ExitStatus(failure.kind), failure.detail)
        case .left: CommandEnd(.unanswered, Console.nothingWasChanged)
        case .interrupted: CommandEnd(.stopped, "stopped before the job was begun; nothing was changed")
        }
    }

    private func end(_ refusal: Joining.Refusal) -> CommandEnd {
        switch refusal {
        case .nothingToResume:
            CommandEnd(
                .incomplete,
                "there is no unfinished job of \(names.targetKey); `migrate run` plans a new one"
            )
        case .endedMeanwhile(let job):
            CommandEnd(.incomplete, "job \(job) has ended meanwhile: there is nothing to resume")
        case .notOpen(let job):
            CommandEnd(.incomplete, "job \(job.id) is \(job.status.rawValue): there is nothing to work on")
        case .otherSettings(let job, let differences): Self.mismatch(job, differences)
        case .noCollection:
            CommandEnd(.refused, "the collection \(names.collection) does not exist: run `migrate setup`")
        case .unfitCollection(let differences):
            CommandEnd(
                .refused,
                (["the collection cannot take these points:"]
                    + differences.map { "  \($0.name): needed \($0.expected), found \($0.found)" })
                    .joined(separator: "\n")
            )
        case .emptySource:
            CommandEnd(
                .incomplete,
                "\(names.table) has no rows\(names.condition.map { " where \($0)" } ?? ""): there is nothing to migrate"
            )
        case .noEvidence(let job, let evidence, let servers): Self.noEvidence(job, evidence, servers)
        case .otherServers(let job, let servers): Self.otherServers(job, servers)
        case .tooManyServers(let job):
            CommandEnd(
                .badSettings,
                """
                job \(job.id) has used \(JobServers.entriesMax) servers of one kind, and cannot use another one.
                Use one of \(Self.known(job).joined(separator: ", ")), or plan a new job with `migrate run --new`.
                """
            )
        case .sameNamespace(let other):
            CommandEnd(
                .badSettings,
                """
                the collection \(names.collection) also takes points of \(other), made with the same POINT_ID_NAMESPACE: a record \
                of both tables with the same id and tenant would have the same points, and each would overwrite the other's.
                Set POINT_ID_NAMESPACE to a value of its own for \(names.source). If it is \(other) under a new name, set \
                SOURCE_NAME=\(other) instead: then these points are its own.
                """
            )
        case .namespaceOfUnmarked:
            CommandEnd(
                .badSettings,
                """
                the points of \(names.collection) without a source are not those of \(names.source), but were made with the same \
                POINT_ID_NAMESPACE: a record with the same id and tenant would overwrite them.
                Set POINT_ID_NAMESPACE to a value of its own for \(names.source). If they are its own, set UNMARKED_POINTS=ours.
                """
            )
        case .undecidedPoints(let situation):
            CommandEnd(
                .badSettings,
                """
                \(Self.unmarked(situation)) No person is here to say whose they are. Set one of these:
                UNMARKED_POINTS=ours: they are older points of \(names.source); they are kept, marked or replaced by it.
                UNMARKED_POINTS=foreign: they belong to another table or application; they are left alone.
                """
            )
        case .pointsTaken(let other):
            CommandEnd(
                .badSettings,
                "UNMARKED_POINTS=ours, but the points of \(names.collection) without a source belong to \(other)"
            )
        case .needsForce(let closed): Self.needsForce(closed)
        case .atWork(let closed): Self.atWork(closed)
        case .declined: CommandEnd(.incomplete, Console.nothingWasChanged)
        case .staysPaused(let job): CommandEnd(.stopped, "job \(job.id) stays paused")
        }
    }

    private static func needsForce(_ closed: Joining.Closed) -> CommandEnd {
        CommandEnd(
            .usage,
            (["job \(closed.briefly) is not finished, and a new job would end it; nothing was changed."]
                + lines(closed.differences) + [
                    "Go on with it (`migrate run --resume` with its settings), or close it all the same: `migrate run --new --force`."
                ]).joined(separator: "\n")
        )
    }

    private static func atWork(_ closed: Joining.Closed) -> CommandEnd {
        let job = closed.job.id
        return CommandEnd(
            .stopped,
            ([
                "job \(closed.briefly) is at work with other settings, and another job never ends it:"
            ] + lines(closed.differences) + [
                "Wait until it is over, or end it yourself with `migrate cancel --job \(job)`; nothing was changed."
            ]).joined(separator: "\n")
        )
    }

    private static func lines(_ differences: [JobConfiguration.Difference]) -> [String] {
        differences.map {
            "  \($0.name): the job has \($0.stored ?? "nothing"), the settings say \($0.ours ?? "nothing")"
        }
    }

    private static func mismatch(_ job: JobSummary, _ differences: [JobConfiguration.Difference]) -> CommandEnd {
        let head = "job \(job.id) was begun with other settings, and its points would not match:"
        let tail = "Use the job's settings, or close it and plan a new one with `migrate run --new`."
        return CommandEnd(.badSettings, ([head] + lines(differences) + [tail]).joined(separator: "\n"))
    }

    private static func unmarked(_ situation: UnmarkedPoints.Situation) -> String {
        let points = Format.plural(Int64(situation.count), "point")
        let others = situation.others.isEmpty ? "" : " beside points of \(situation.others.joined(separator: ", "))"
        let doubt = situation.fitsOurTable == false ? ", and most of a sample belong to no record of this table" : ""
        return "The collection holds \(points) without a source\(others)\(doubt)."
    }

    private static func noEvidence(_ job: JobSummary, _ evidence: JobEvidence, _ servers: JobServers) -> CommandEnd {
        var lines: [String] = []
        if evidence.lacksPoints {
            let batches = Format.plural(Int64(evidence.batches), "completed batch", "completed batches")
            let place = servers.points.joined(separator: ", ")
            lines.append("the collection at \(place) has no point of \(batches) of job \(job.id)")
        }
        if evidence.lacksRecords {
            let place = servers.source.joined(separator: ", ")
            lines.append("the table at \(place) has none of \(evidence.ids) records that job \(job.id) has planned")
        }
        // A new job of another table would take our points for its own.
        let name =
            evidence.lacksRecords
            ? [
                "Is it another table with the same name? Then give it another name with SOURCE_NAME.",
                "Is MySQL a replica that lags? Then run again later.",
            ] : []
        let used = known(job).joined(separator: ", ")
        let usedLine = used.isEmpty ? [] : ["The job has used \(used)."]
        let advice =
            "These are other servers than the job's, or they have lost its work. Use the job's servers, or plan "
            + "a new job with `migrate run --new`."
        return CommandEnd(.badSettings, (lines + usedLine + [advice] + name).joined(separator: "\n"))
    }

    private static func otherServers(_ job: JobSummary, _ servers: JobServers) -> CommandEnd {
        // A new job would ask the same question about its source.
        let next =
            servers.source.isEmpty
            ? "To plan a new job with these servers: `migrate run --new`."
            : "If this is another table with the same name, give it another name with SOURCE_NAME."
        return CommandEnd(
            .badSettings,
            """
            job \(job.id) has used other servers: \(moves(job, servers)).
            If they are the same servers under a new name or address, say so with --servers-moved. \(next)
            """
        )
    }

    /// The addresses of collections and sources that the job has used.
    private static func known(_ job: JobSummary) -> [String] { job.servers.points + job.servers.source }

    /// The new servers, and the ones that the job has used.
    private static func moves(_ job: JobSummary, _ servers: JobServers) -> String {
        func move(_ name: String, _ new: [String], _ known: [String]) -> String? {
            if new.isEmpty { return nil }
            return "\(name) is now \(new.joined(separator: ", ")), was \(known.joined(separator: ", "))"
        }
        return [
            move("MySQL", servers.source, job.servers.source),
            move("Qdrant", servers.points, job.servers.points),
            move("the embedder", servers.embedder, job.servers.embedder),
        ].compactMap(\.self).joined(separator: "; ")
    }

    private static func reason(_ job: JobSummary) -> String { job.reason.map { " (\($0))" } ?? "" }
}

extension JobSummary {
    /// Number, status and size, for use within a sentence.
    var briefly: String {
        let planned = sealed ? "" : ", still being planned"
        return
            "\(id) (\(status.rawValue), \(Format.plural(totalRecords, "record")), since \(Format.time(startTime ?? createdAt))\(planned))"
    }
}

extension Joining.Closed {
    /// Number, progress, workers and condition, for use within a sentence.
    var briefly: String {
        let condition = job.config[JobConfiguration.conditionKey].map { ", where \($0)" } ?? ""
        return "\(job.id) (\(activity.briefly)\(condition))"
    }
}

extension JobActivity {
    /// Progress and workers, as in `24 of 31 batches done, 2 workers alive`.
    var briefly: String {
        let planned = isPlanned ? "" : ", still being planned"
        let done =
            "\(Format.count(Int64(batchesDone))) of \(Format.plural(Int64(batches), "batch", "batches")) done\(planned)"
        guard !workers.isEmpty else { return done + (isMoving ? ", at work just now" : ", no worker alive") }
        let hosts =
            runners.count == workers.count ? "" : " in \(Format.plural(Int64(runners.count), "process", "processes"))"
        return "\(done), \(Format.plural(Int64(workers.count), "worker")) alive\(hosts)"
    }
}
