package import Migration

/// A service that could not be used, by name: it ends a command that has no job to keep going.
package struct ServiceFailure: Error, Sendable, CustomStringConvertible {
    /// The code of a failure that a brake has caused: nothing is wrong with the service.
    package static let brakedCode = "braked"

    /// The code of a row that the source cannot return while it returns others.
    static let unreadableCode = "unreadable_row"

    package let service: Service
    package let failure: PortFailure

    package init(_ service: Service, _ failure: PortFailure) {
        self.service = service
        self.failure = failure
    }

    /// Translates the end of unfinished work.
    init(_ end: WorkEnd) {
        switch end {
        case .fatal(let service, let failure): self.init(service, failure)
        case .deferred(_, let service, let reason), .suspects(_, let service, let reason):
            self.init(service, PortFailure(.unavailable, reason.message, code: reason.code))
        case .braked(let brake): self.init(.points, PortFailure(.rejected, brake.reason, code: Self.brakedCode))
        case .outOfTime, .untrusted, .interrupted:
            self.init(.source, PortFailure(.cancelled, "stopped before the end"))
        }
    }

    package var description: String { "\(service.rawValue): \(failure.detail)" }
}
