import GRDB
import Migration

extension PortFailure {
    /// What to do next about an error of SQLite.
    init(_ error: DatabaseError, file: String) {
        let code = Self.name(of: error.resultCode)
        switch error.resultCode {
        case .SQLITE_BUSY, .SQLITE_LOCKED:
            self.init(
                .unavailable,
                "another process has held the tracking file \(file) for more than five seconds",
                code: code
            )
        case .SQLITE_FULL:
            self.init(
                .full,
                "the disk with the tracking file \(file) is full: make room there, then run the command again; "
                    + "nothing that was noted is lost",
                code: code
            )
        case .SQLITE_CORRUPT, .SQLITE_NOTADB:
            self.init(.rejected, Self.damaged(file), code: code)
        case .SQLITE_READONLY, .SQLITE_PERM, .SQLITE_AUTH, .SQLITE_CANTOPEN:
            self.init(
                .unauthorised,
                "the tracking file \(file) or its folder cannot be written (\(error.message ?? "no reason given")): "
                    + "give this user the right to write both, or set TRACKING_FILE",
                code: code
            )
        case .SQLITE_IOERR:
            // Whether a failed commit has reached the disk is unknown; repeating the same call is harmless.
            self.init(
                error.sql?.hasPrefix("COMMIT") == true ? .outcomeUnknown : .unavailable,
                "the disk with the tracking file \(file) reports an error: \(error.message ?? "no reason given")",
                code: code
            )
        case .SQLITE_NOMEM, .SQLITE_INTERRUPT, .SQLITE_PROTOCOL:
            self.init(.unavailable, "the tracking file \(file): \(error.message ?? code)", code: code)
        case .SQLITE_ERROR where Self.ofValues.contains(error.message ?? ""):
            self.init(.rejected, Self.unreadable(file, "(\(error.message ?? code))"), code: code)
        case .SQLITE_CONSTRAINT:
            self.init(.rejected, "the tracking file \(file) refuses this: \(error.message ?? code)", code: code)
        default:
            self.init(.unclassified, "the tracking file \(file): \(error.message ?? code)", code: code)
        }
    }

    init(_ column: UnreadableColumn, file: String) {
        self.init(.rejected, Self.unreadable(file, "in the column \(column.name)"), code: "SQLITE_MISMATCH")
    }

    /// What SQLite says of values that no statement here can have written.
    private static let ofValues: Set<String> = ["integer overflow", "malformed JSON"]

    /// What to do about a value that this program does not write.
    private static func unreadable(_ file: String, _ place: String) -> String {
        "the tracking file \(file) has a value \(place) that this program does not write: it is damaged, or another "
            + "program has changed it; stop what uses it, keep a copy, and set TRACKING_FILE to a new file and start a new "
            + "job, which pays for nothing that is in the collection already"
    }

    /// What to do about a file with a damaged page.
    private static func damaged(_ file: String) -> String {
        "the tracking file \(file) is damaged: stop what uses it, keep a copy, and rescue what can be read with "
            + "`sqlite3 \(file) .recover | sqlite3 NEW`; or set TRACKING_FILE to a new file and start a new job, which "
            + "pays for nothing that is in the collection already"
    }

    private static func name(of code: ResultCode) -> String {
        switch code {
        case .SQLITE_BUSY: "SQLITE_BUSY"
        case .SQLITE_LOCKED: "SQLITE_LOCKED"
        case .SQLITE_FULL: "SQLITE_FULL"
        case .SQLITE_CORRUPT: "SQLITE_CORRUPT"
        case .SQLITE_NOTADB: "SQLITE_NOTADB"
        case .SQLITE_READONLY: "SQLITE_READONLY"
        case .SQLITE_CANTOPEN: "SQLITE_CANTOPEN"
        case .SQLITE_IOERR: "SQLITE_IOERR"
        case .SQLITE_CONSTRAINT: "SQLITE_CONSTRAINT"
        default: "SQLITE_\(code.rawValue)"
        }
    }

    /// A mistake of the caller: the call changes nothing.
    static func invalid(_ detail: String) -> Self { Self(.rejected, detail, code: "22023") }
}

/// Refuses a call with a mistake of the caller.
func demand(_ holds: Bool, _ message: @autoclosure () -> String) throws(PortFailure) {
    guard holds else { throw .invalid(message()) }
}
