package import Engine
package import Migration

/// How a process ended by itself, and in which circumstances: I24.
package struct Departure: Sendable {
    private let process: String
    private let reason: StopReason

    /// Whether it was sent a signal.
    package var wasSignalled = false
    /// Whether it has other settings than the job.
    package var isStranger = false
    /// Whether the collection may have been full.
    package var mayBeFull = false
    /// Whether a brake may have paused the job.
    package var mayBrake = false
    /// Whether the account may have had no credit left.
    package var mayLackMoney = false

    package init(of process: String, _ reason: StopReason) {
        self.process = process
        self.reason = reason
    }

    /// I24: no process leaves while the job is open, except after a signal or a refusal.
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

/// I28: a process with the job's servers is admitted, and no other.
package enum Admission {
    /// The verdict on a refusal.
    package enum Verdict: Sendable {
        /// The refusal was not about servers.
        case open
        /// The table has lost its rows, and looks like another table.
        case emptyTable
        /// The process has other servers.
        case right
        case wrong(Finding)
    }

    /// Judges the refusal of a process that may have other servers than the job, or an emptied table.
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
    /// Whether the source has no row that the job has planned.
    fileprivate var isOfAnEmptyTable: Bool {
        if case .noEvidence(_, let evidence, _) = self { evidence.lacksRecords } else { false }
    }

    /// Only the name of the case: its payload holds dictionaries, whose order differs from run to run.
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
    /// The word for traces and findings.
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
