import FoundationEssentials
import Glibc

extension Error {
    /// Why something could not be done with a file, in the system's words: `No space left on device`.
    ///
    /// The sentences of `localizedDescription` are in Foundation, which brings 35 MB of ICU's tables into a program.
    package var systemReason: String {
        switch self {
        case let error as POSIXError: return unsafe String(cString: strerror(error.code.rawValue))
        case let error as CocoaError: return error.underlying?.systemReason ?? "error \(error.code.rawValue)"
        default: return "\(self)"
        }
    }
}
