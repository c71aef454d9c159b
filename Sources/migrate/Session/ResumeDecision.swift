import Migration

/// What the flags of `migrate run` say about an unfinished job.
enum ResumeChoice: Equatable {
    /// `--resume`
    case resume
    /// `--new`
    case new
    /// Neither: a person decides, and without one the job is resumed.
    case ask
}

/// What becomes of an unfinished job when `migrate run` finds one, or none.
enum ResumeDecision: Equatable {
    /// There is none: plan a new one.
    case planNew
    /// Go on with it.
    case resume
    /// Go on with it, and say so, since nobody was asked.
    case resumeSaying(String)
    /// Close it, then plan a new one.
    case replace
    /// Let the person decide between `resume` and `replace`.
    case ask(String)
    /// `--resume`, but there is none.
    case nothingToResume

    /// Decides.
    ///
    /// - Parameters:
    ///   - job: the unfinished job of this table and collection, if there is one.
    ///   - choice: what the flags say.
    ///   - canAsk: whether a person is there to be asked.
    init(job: JobSummary?, choice: ResumeChoice, canAsk: Bool) {
        guard let job else {
            self = choice == .resume ? .nothingToResume : .planNew
            return
        }
        switch choice {
        case .resume: self = .resume
        case .new: self = .replace
        case .ask:
            self = canAsk ? .ask("Resume existing job \(job.briefly)?") : .resumeSaying("Resuming job \(job.briefly).")
        }
    }
}

extension JobSummary {
    /// Number, status and size, within a sentence.
    var briefly: String {
        let planned = sealed ? "" : ", still being planned"
        return
            "\(id) (\(status.rawValue), \(Format.plural(totalRecords, "record")), since \(Format.time(startTime ?? createdAt))\(planned))"
    }
}
