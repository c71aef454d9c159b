import Engine
import Migration
import Terminal

/// `migrate verify` with any ports.
struct VerifySession: Sendable {
    let engine: Engine
    let console: Console
    let stop: StopSignal
    /// Whether any number of records may lose their points.
    var allowsRemovals = false
    /// Whether servers that the job has never used are its own under a new name.
    var serversMoved = false
    /// The folder of the note that `resumes` needs; nil = no note is written.
    var folder: String?
    /// Whether to continue the last interrupted comparison.
    var resumes = false

    /// Compares, and repairs if it is told to.
    ///
    /// - Returns: how the command ends; the report has been printed.
    /// - Throws: `CommandEnd` when nothing can be compared, or a repair is not allowed.
    func run(_ job: JobSummary, isDeep: Bool = false, repairs: Bool, isJSON: Bool) async throws -> CommandEnd {
        if job.configHash != engine.configuration.hash {
            let differences = engine.configuration.differences(from: job.config).map {
                "  \($0.name): the job has \($0.stored ?? "nothing"), the settings say \($0.ours ?? "nothing")"
            }
            let head = "job \(job.id) was begun with other settings, so every point would look stale:"
            throw CommandEnd(.badSettings, ([head] + differences).joined(separator: "\n"))
        }
        try checkServers(of: job, repairs: repairs)
        let verifier = Verifier(
            ports: engine.ports,
            stop: stop,
            plan: engine.plan(of: job),
            isDeep: isDeep,
            repairs: repairs,
            brakes: BrakeLimits(allowsRemovals: allowsRemovals)
        )
        let note = folder.map { VerifyNote(folder: $0, job: job, isDeep: isDeep, repairs: repairs) }
        let earlier = resumes ? note?.read() : nil
        if resumes { say(earlier, isJSON) }
        let report: VerificationReport
        do {
            report = try await verifier.run(
                job.id,
                from: earlier,
                note: { note?.write($0) },
                progress: { compared in
                    guard console.isTerminal, !isJSON else { return }
                    let total = Format.plural(job.totalRecords, "record")
                    console.live.raw("\r\u{1B}[2K\(Format.count(Int64(compared))) of \(total) compared")
                }
            )
        } catch {
            throw CommandEnd(error)
        }
        if console.isTerminal, !isJSON { console.live.raw("\r\u{1B}[2K") }
        note?.remove()
        let document = VerifyDocument(report)
        console.out(isJSON ? try JSONText.of(document) : document.text)
        return CommandEnd(document.status)
    }

    private func say(_ earlier: VerifyProgress?, _ isJSON: Bool) {
        let sentence =
            earlier.map { "Continuing after \(Format.plural(Int64($0.compared), "record")) that were compared before." }
            ?? "There is no comparison to continue: comparing from the beginning."
        if isJSON { console.error(sentence) } else { console.out(sentence) }
    }

    /// A repair with other servers would embed the whole job into another collection, or write another table's texts.
    private func checkServers(of job: JobSummary, repairs: Bool) throws(CommandEnd) {
        let moved = engine.servers.moved(from: job.servers)
        guard !moved.isEmpty, !serversMoved else { return }
        let end = JoiningWords(names: engine.names).end(.refused(.otherServers(job, moved)))
        if repairs { throw end }
        let sentence = end.message.prefix { $0 != "\n" }
        console.error("migrate: warning: \(sentence) What it reports as missing may be there.")
    }
}
