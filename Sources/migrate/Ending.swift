import ArgumentParser
import Migration
import Settings

/// Exit codes: 0 is success, the others follow `sysexits.h` where it has one that fits.
enum ExitStatus: Int32, CaseIterable {
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
    /// A service refused: key, grants, money, room, or something that is not there.
    case refused = 77
    /// A setting is wrong.
    case badSettings = 78
    /// A question had no answer: Ctrl-C, the end of the input, a closed terminal or a signal. As a shell reports Ctrl-C.
    case unanswered = 130

    init(_ kind: PortFailure.Kind) {
        switch kind {
        case .unavailable, .throttled, .outcomeUnknown: self = .unavailable
        case .rejected, .unclassified, .unauthorised, .outOfMoney, .full: self = .refused
        case .cancelled: self = .stopped
        }
    }
}

/// A command's own way to end with something else than success.
struct CommandEnd: Error, Equatable {
    let status: ExitStatus
    /// One or more lines for standard error; empty where everything has been said.
    let message: String

    init(_ status: ExitStatus, _ message: String = "") {
        self.status = status
        self.message = message
    }
}

/// How the program ends because of an error: what it says and its exit code.
struct Ending: Equatable {
    let status: Int32
    let message: String

    /// Turns any error into an ending; `usage` answers for the parser's own errors, `--help` among them.
    init(_ error: any Error, usage: (any Error) -> (Int32, String)) {
        switch error {
        case let end as CommandEnd:
            (status, message) = (end.status.rawValue, end.message.isEmpty ? "" : "migrate: \(end.message)")
        case let problems as SettingsProblems:
            (status, message) = (ExitStatus.badSettings.rawValue, "migrate: \(problems)")
        case let failure as PortFailure:
            (status, message) = (ExitStatus(failure.kind).rawValue, "migrate: \(failure.detail)")
        case is CancellationError:
            (status, message) = (ExitStatus.stopped.rawValue, "migrate: stopped")
        default:
            (status, message) = usage(error)
        }
    }
}

extension CommandEnd {
    /// A service that could not be used, with its name and the fitting exit code.
    init(_ failure: ServiceFailure) {
        if failure.failure.code == ServiceFailure.brakedCode {
            // Nothing is wrong with the service.
            self.init(.incomplete, "nothing more was deleted: \(failure.failure.detail)")
            return
        }
        let status = ExitStatus(failure.failure.kind)
        self.init(
            status,
            status == .stopped ? failure.failure.detail : "\(failure.service.words): \(failure.failure.detail)"
        )
    }
}
