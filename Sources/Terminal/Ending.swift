import ArgumentParser
package import Migration
import Settings

/// Exit codes: 0 is success; the others follow `sysexits.h` if it has a suitable one.
package enum ExitStatus: Int32, CaseIterable {
    /// Everything is migrated.
    case complete = 0
    /// Finished with failed records or batches, cancelled, or paused by the run itself; for `verify`, something is wrong or records have failed.
    case incomplete = 1
    /// The command line is wrong.
    case usage = 64
    /// A service cannot be reached.
    case unavailable = 69
    /// Stopped with work left: run again to resume; for `verify`, the job is not finished.
    case stopped = 75
    /// A service refused: key, grants, money, room, or something that does not exist.
    case refused = 77
    /// A setting is wrong.
    case badSettings = 78
    /// A question had no answer: Ctrl-C, the end of the input, a closed terminal or a signal. The value is a shell's
    /// for Ctrl-C.
    case unanswered = 130

    package init(_ kind: PortFailure.Kind) {
        switch kind {
        case .unavailable, .throttled, .outcomeUnknown: self = .unavailable
        case .rejected, .unclassified, .unauthorised, .outOfMoney, .full: self = .refused
        case .cancelled: self = .stopped
        }
    }
}

/// Ends a command with another exit code than success.
package struct CommandEnd: Error, Equatable {
    package let status: ExitStatus
    /// One or more lines for standard error; empty if everything has been said.
    package let message: String

    package init(_ status: ExitStatus, _ message: String = "") {
        self.status = status
        self.message = message
    }
}

/// How the program ends because of an error: the message and the exit code.
package struct Ending: Equatable {
    package let status: Int32
    package let message: String

    /// Turns any error into an ending.
    ///
    /// - Parameters:
    ///   - error: the error that ended a command.
    ///   - program: the name at the beginning of the message.
    ///   - usage: gives the text for the parser's own errors, including `--help`.
    package init(_ error: any Error, of program: String = "migrate", usage: (any Error) -> (Int32, String)) {
        switch error {
        case let end as CommandEnd:
            (status, message) = (end.status.rawValue, end.message.isEmpty ? "" : "\(program): \(end.message)")
        case let problems as SettingsProblems:
            (status, message) = (ExitStatus.badSettings.rawValue, "\(program): \(problems)")
        case let failure as PortFailure:
            (status, message) = (ExitStatus(failure.kind).rawValue, "\(program): \(failure.detail)")
        case is CancellationError:
            (status, message) = (ExitStatus.stopped.rawValue, "\(program): stopped")
        default:
            (status, message) = usage(error)
        }
    }
}
