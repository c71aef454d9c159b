import Migration

extension Joining {
    /// Whether an unfinished job may be closed to make room for a new one.
    package enum Closing: Sendable, Equatable {
        /// It may be closed, and a person is told.
        case close
        /// Close it only after a person has agreed.
        case ask
        /// Only `--force` closes it, because no person can be asked.
        case needsForce
        /// It may not be closed: workers process it, and the new job would be different.
        case refused

        /// Decides.
        ///
        /// A different job never ends one that is at work, whatever the flags say: a person has to cancel it by its
        /// number.
        ///
        /// - Parameters:
        ///   - isLive: whether workers process the job.
        ///   - isOther: whether the new job has other settings.
        ///   - hasOtherCondition: whether it is about other rows, so that what the job has not done would never be
        ///     done.
        ///   - hasSaidNo: whether a person was asked about resuming it, and answered no.
        ///   - canAsk: whether a person can be asked.
        ///   - isForced: whether `--force` was given.
        package init(
            isLive: Bool,
            isOther: Bool,
            hasOtherCondition: Bool,
            hasSaidNo: Bool,
            canAsk: Bool,
            isForced: Bool
        ) {
            if isLive, isOther {
                self = .refused
            } else if isForced || !(isLive || hasOtherCondition || hasSaidNo) {
                self = .close
            } else {
                self = canAsk ? .ask : .needsForce
            }
        }
    }
}
