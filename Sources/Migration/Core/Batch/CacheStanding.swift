/// Whether a runner uses the cache of vectors.
///
/// The cache only saves money: whatever goes wrong with it, the runner goes on without it and says so once.
package struct CacheStanding: Sendable, Equatable {
    package enum State: Sendable, Equatable {
        /// The probe was not compared yet.
        case unproved
        case proved
        case givenUp
    }

    /// A probe that is less similar to its cached vector was made by another model.
    ///
    /// Vectors of one model differ in the last bits from request to request.
    package static let cosineMin = 0.999
    /// An answer that takes longer than this is a failure: the embedder itself would be faster.
    package static let patience = Duration.seconds(5)
    /// Failures in a row that may pass.
    private static let failuresMax = 3

    package private(set) var state = State.unproved
    private var failures = 0
    private var wasDamaged = false

    package init() {}

    /// The probe is as it was; a cache that was given up stays given up.
    package mutating func prove() { if state == .unproved { state = .proved } }

    /// Gives the cache up.
    ///
    /// - Returns: whether it was in use until now, so that it is said once.
    package mutating func giveUp() -> Bool {
        if state == .givenUp { return false }
        state = .givenUp
        return true
    }

    /// A call was answered.
    ///
    /// - Returns: whether the cache is given up now because it is too slow.
    package mutating func answered(after took: Duration) -> Bool {
        guard took > Self.patience else {
            failures = 0
            return false
        }
        failures += 1
        return failures >= Self.failuresMax && giveUp()
    }

    /// A call has failed.
    ///
    /// - Returns: whether the cache is given up now.
    package mutating func failed(_ failure: PortFailure.Kind) -> Bool {
        switch failure {
        case .cancelled: return false
        case .unavailable:
            failures += 1
            return failures >= Self.failuresMax && giveUp()
        case .throttled, .outcomeUnknown, .rejected, .unclassified, .unauthorised, .outOfMoney, .full: return giveUp()
        }
    }

    /// Entries were damaged, and count as absent.
    ///
    /// - Returns: whether they are the first.
    package mutating func foundDamage() -> Bool {
        defer { wasDamaged = true }
        return !wasDamaged
    }

    /// The cosine of the angle between two vectors; 0 if it is not defined.
    package static func cosine(_ left: [Float], _ right: [Float]) -> Double {
        guard left.count == right.count else { return 0 }
        var (dot, lefts, rights) = (0.0, 0.0, 0.0)
        for place in left.indices {
            let (one, other) = (Double(left[place]), Double(right[place]))
            dot += one * other
            lefts += one * one
            rights += other * other
        }
        let size = (lefts * rights).squareRoot()
        return size > 0 && size.isFinite ? dot / size : 0
    }
}
