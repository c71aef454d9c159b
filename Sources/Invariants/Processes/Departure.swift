package import Migration

/// How a process has left by itself, and what was going on: I24.
package struct Departure: Sendable {
    private let process: String
    private let reason: StopReason

    /// Whether somebody sent it a signal.
    package var wasSignalled = false
    /// Whether it has other settings than the job.
    package var isStranger = false
    /// Whether the collection may have been full.
    package var mayBeFull = false
    /// Whether something may have paused the job by itself.
    package var mayBrake = false
    /// Whether the account may have had no credit left.
    package var mayLackMoney = false

    package init(of process: String, _ reason: StopReason) {
        self.process = process
        self.reason = reason
    }

    /// I24: nobody leaves while the job is open, except by signal or refusal.
    package var finding: Finding? {
        switch reason {
        case .jobEnded(let status) where !status.isOpen: nil
        case .signalled where wasSignalled: nil
        case .configMismatch where isStranger, .signalled where isStranger: nil
        case .fatal(.points, let failure) where failure.kind == .full && mayBeFull: nil
        case .braked where mayBrake: nil
        case .fatal(.embedder, let failure) where failure.kind == .outOfMoney && mayLackMoney: nil
        default: Finding(24, "\(process) has left: \(reason.word)")
        }
    }
}

/// I28: a process with the job's servers is admitted, and nobody else.
package enum Admission {
    /// What is to be said of a refusal.
    package enum Verdict: Sendable {
        /// It was not about servers.
        case open
        /// The table has lost its rows, and is as another table.
        case emptyTable
        /// The process has other servers.
        case right
        case wrong(Finding)
    }

    /// A process was refused, whose servers may be others than the job's, or whose table may have been emptied.
    package static func judge(
        _ refusal: Joining.Refusal,
        of process: String,
        hasMoved: Bool,
        isEmptied: Bool
    ) -> Verdict {
        switch refusal {
        case .noEvidence, .otherServers:
            if isEmptied, refusal.isOfAnEmptyTable { return .emptyTable }
            return hasMoved
                ? .right
                : .wrong(Finding(28, "\(process) has the job's servers, but was refused: \(refusal.word)"))
        default: return .open
        }
    }

    /// A process was admitted.
    package static func breach(byAdmitting process: String, hasMoved: Bool) -> Finding? {
        hasMoved ? Finding(28, "\(process) has other servers than its job, and was admitted") : nil
    }
}

extension Joining.Refusal {
    /// Whether the source has nothing of what the job has planned.
    fileprivate var isOfAnEmptyTable: Bool {
        if case .noEvidence(_, let evidence, _) = self { evidence.lacksRecords } else { false }
    }

    /// Its case alone: what it carries holds dictionaries, whose order differs from run to run.
    package var word: String {
        switch self {
        case .nothingToResume: "nothingToResume"
        case .endedMeanwhile: "endedMeanwhile"
        case .notOpen: "notOpen"
        case .otherSettings: "otherSettings"
        case .noCollection: "noCollection"
        case .unfitCollection: "unfitCollection"
        case .emptySource: "emptySource"
        case .noEvidence: "noEvidence"
        case .otherServers: "otherServers"
        case .tooManyServers: "tooManyServers"
        case .sameNamespace: "sameNamespace"
        case .namespaceOfUnmarked: "namespaceOfUnmarked"
        case .undecidedPoints: "undecidedPoints"
        case .pointsTaken: "pointsTaken"
        case .needsForce: "needsForce"
        case .atWork: "atWork"
        case .declined: "declined"
        case .staysPaused: "staysPaused"
        }
    }
}

extension StopReason {
    /// For traces and findings.
    package var word: String {
        switch self {
        case .jobEnded(let status): "job \(status.rawValue)"
        case .signalled: "signalled"
        case .fatal(let service, let failure): "fatal \(service.rawValue) \(failure.kind) \(failure.detail)"
        case .configMismatch: "config mismatch"
        case .braked(let brake): "braked: \(brake.reason)"
        }
    }
}
