import Migration

/// A mistake that a simulated process makes on purpose, so that a test can show that the checkers notice it.
///
/// Each mistake wraps a port: the engine itself has no switch for them. Mistakes of the store are `PlantedBug`s.
package enum PortBug: String, CaseIterable, Sendable {
    /// An upsert is reported as done when it was sent.
    case writesWithoutWaiting
    /// A batch is reported as completed before its points are sent.
    case finishesBeforeWriting
    /// Old points are deleted before the new ones are written.
    case deletesBeforeWriting
    /// Every point that does not look like the new ones counts as old and is deleted, whether it was seen or not.
    case deletesWhatItHasNotSeen
    /// Points that exist already are not looked for.
    case embedsEverythingAgain
    case sendsWithoutMoney
    /// After the answer "too many requests" the same request is sent again at once.
    case hurriesWhenThrottled
    /// A lease is trusted for a hundred times its length.
    case trustsItsLeaseForEver
    /// An unanswered claim is repeated under another id.
    case newClaimIDForEachTry
    /// A worker leaves after ten polls that found nothing.
    case leavesWhenIdle
    case countsBlankAsFailed
    /// The plan's cursor is stored before its page.
    case storesTheCursorFirst
    /// A job that should be resumed is opened, as if there were none.
    case opensInsteadOfJoining
    /// A process does not check whether its servers are the job's.
    case joinsWithoutLooking
    /// A row that is not found is counted as missing at once, without a second look.
    case missesAtTheFirstLook
    /// Rows that are blank or gone keep their points.
    case keepsPointsOfAbsentRows
    /// A full collection is mistaken for one that refuses the points.
    case blamesThePointsWhenFull
    /// Points are looked for by their record's id alone.
    case takesEverySourceForItsOwn
    /// A delete filters by a key that has no index.
    case filtersWithoutAnIndex
    /// Points without a source are not marked.
    case marksNothing
    /// When a row is blank or gone, all its points are deleted, whatever their source.
    case removesPointsOfOtherSources
    case removesUnmarkedPoints
    /// The counters of the brakes are not looked at.
    case neverBrakes
    /// A record is blamed for any failure, whether the service is well or not.
    case blamesWithoutAProbe
    /// What failed is forgotten at once.
    case forgetsSuspects
    /// Two failures in a row are enough.
    case condemnsAfterTwoFailures
    /// The points of a partly written record are mistaken for older ones.
    case embedsHalfRecordsAgain
    /// All records of a write get the lists of one of them.
    case sharesLists
    /// The lists of the first look are written, even if another application has set them since.
    case carriesOldLists
    /// Old points are deleted although the new ones were refused.
    case deletesAfterARefusal
    /// Only the last portion of a batch reports its dead letters.
    case losesEarlierFailures
    case writesChildrenFirst
    /// `&amp;` is not decoded; the checkers that use the engine's text processing agree.
    case decodesNoEntities
    case countsMissingAsSkipped
    case countsSkippedAsMissing
    /// The process claims one batch per minute, as if each batch had to find out whether points can be written.
    case claimsOnceAMinute
    /// A batch that has reached its deadline is given back with the code of an interruption.
    case releasesAtTheDeadline
    /// A batch that is given back after a signal is reported as failed.
    case interruptionsCostARetry
    /// A batch that a dead process has held is divided although it has retries left.
    case isolatesAtTheFirstDeath
    /// A controller that takes over does not know the job's limit.
    case forgetsTheLimit
    /// A controller that takes over plans up to its own limit instead of the job's.
    case takesItsOwnLimit
    /// If the embedder asks for two waits, the later request counts instead of the longer one.
    case takesTheLatestWait
    /// Requests are sent without a reservation.
    case reservesNothing
    /// A batch that is given back because of an outage is deferred for half an hour.
    case defersForHalfAnHour
    /// A completed batch is given back, as if its lease had run out.
    case doubtsItsLease
    /// The grace period after a signal never ends.
    case neverEndsTheGrace
    /// Minutes pass under a lease although there is nothing to wait for.
    case dawdlesUnderItsLease
    /// A request that was answered is sent once more.
    case embedsTwice
    /// The cache answers with the vector of another text.
    case recallsAnotherVector
    /// What was paid for is kept after it was written.
    case keepsAfterTheWrite
    /// Vectors from the cache are counted as paid.
    case paysForRecalledVectors

    /// The checkers: at least one of them must find the mistake.
    package var invariants: [String] {
        switch self {
        // What it has not seen may include points of another source.
        case .deletesWhatItHasNotSeen: ["I18", "I29"]
        // The process never learns that the collection is full, and goes on paying.
        case .writesWithoutWaiting: ["I18", "I22"]
        // The store refuses counts in which more records were removed than skipped or missing.
        case .countsBlankAsFailed: ["I18", "I24"]
        case .deletesBeforeWriting, .missesAtTheFirstLook, .keepsPointsOfAbsentRows, .sharesLists, .carriesOldLists,
            .deletesAfterARefusal, .losesEarlierFailures,
            .writesChildrenFirst, .decodesNoEntities, .countsMissingAsSkipped, .countsSkippedAsMissing:
            ["I18"]
        case .removesPointsOfOtherSources: ["I29"]
        // If the text of such a record comes back, its points are paid for again.
        case .removesUnmarkedPoints: ["I29", "I21"]
        // It also writes after its lease has ended.
        case .finishesBeforeWriting: ["I18", "I20"]
        case .embedsEverythingAgain, .embedsHalfRecordsAgain: ["I21"]
        case .blamesWithoutAProbe, .condemnsAfterTwoFailures: ["I32"]
        case .forgetsSuspects: ["I23"]
        case .sendsWithoutMoney, .hurriesWhenThrottled: ["I22"]
        case .trustsItsLeaseForEver: ["I20"]
        case .newClaimIDForEachTry: ["I25"]
        case .leavesWhenIdle: ["I24"]
        case .storesTheCursorFirst: ["I12"]
        case .opensInsteadOfJoining: ["I27"]
        case .joinsWithoutLooking: ["I28"]
        // It also goes on paying.
        case .blamesThePointsWhenFull: ["I18", "I22"]
        case .takesEverySourceForItsOwn, .marksNothing: ["I29"]
        // No process can work then.
        case .filtersWithoutAnIndex: ["I24"]
        case .neverBrakes: ["I30"]
        case .claimsOnceAMinute, .dawdlesUnderItsLease: ["I23"]
        case .releasesAtTheDeadline, .interruptionsCostARetry: ["I7"]
        case .isolatesAtTheFirstDeath: ["I6"]
        case .forgetsTheLimit, .takesItsOwnLimit: ["I12"]
        case .takesTheLatestWait, .reservesNothing: ["I22"]
        case .defersForHalfAnHour, .doubtsItsLease: ["I7"]
        case .neverEndsTheGrace: ["I24"]
        case .embedsTwice: ["I21"]
        case .recallsAnotherVector: ["I18"]
        case .keepsAfterTheWrite: ["I33"]
        case .paysForRecalledVectors: ["I10"]
        }
    }
}

extension PortBug {
    /// The suspicion policy of a mistake that changes it; nil for the others.
    var suspicion: Suspicions.Policy? {
        var policy = Suspicions.Policy()
        switch self {
        case .forgetsSuspects: policy.recordsMax = 0
        case .condemnsAfterTwoFailures:
            policy.failuresMin = 2
            policy.spanMin = .zero
        default: return nil
        }
        return policy
    }
}
