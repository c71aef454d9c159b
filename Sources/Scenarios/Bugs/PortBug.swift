import Migration

/// A mistake that a simulated process makes on purpose, so that a test can show that the checkers notice it.
///
/// Each is a seam around a port: the engine itself has no switch. Mistakes of the store are `PlantedBug`s.
package enum PortBug: String, CaseIterable, Sendable {
    /// An upsert is called done when it was sent.
    case writesWithoutWaiting
    /// A batch is reported as completed before its points are sent.
    case finishesBeforeWriting
    /// Old points go before the new ones are there.
    case deletesBeforeWriting
    /// Old points are all that do not look like the new ones, whether they were seen or not.
    case deletesWhatItHasNotSeen
    /// What is there already is not looked for.
    case embedsEverythingAgain
    case sendsWithoutMoney
    /// A refusal for haste is answered with the same request.
    case hurriesWhenThrottled
    /// A lease is believed in for a hundred times as long.
    case trustsItsLeaseForEver
    /// A claim that was not answered is repeated under another id.
    case newClaimIDForEachTry
    /// A worker leaves after ten polls that found nothing.
    case leavesWhenIdle
    case countsBlankAsFailed
    /// The plan's cursor is stored before the page it stands for.
    case storesTheCursorFirst
    /// A job that is to be gone on with is opened, as if there were none.
    case opensInsteadOfJoining
    /// A process does not look whether its servers are the job's.
    case joinsWithoutLooking
    /// A row that is not there is missing, and not asked for again.
    case missesAtTheFirstLook
    /// Rows that are blank or gone keep their points.
    case keepsPointsOfAbsentRows
    /// A collection without room is taken for one that refuses the points.
    case blamesThePointsWhenFull
    /// Points are looked for by their record's id alone.
    case takesEverySourceForItsOwn
    /// A delete names a key that has no index.
    case filtersWithoutAnIndex
    /// Points without a source stay as they are.
    case marksNothing
    /// Of a row that is blank or gone all points are deleted, whatever their source.
    case removesPointsOfOtherSources
    case removesUnmarkedPoints
    /// The counters of the brakes are not looked at.
    case neverBrakes
    /// Whatever fails is blamed, whether the service is well or not.
    case blamesWithoutAProbe
    /// What failed is forgotten at once.
    case forgetsSuspects
    /// Two failures in a row are enough.
    case condemnsAfterTwoFailures
    /// The points of a record that is half there are taken for older ones.
    case embedsHalfRecordsAgain
    /// The lists of one record are given to all that are written with it.
    case sharesLists
    /// The lists are those of the first look, whatever somebody has set since.
    case carriesOldLists
    /// Old points go although the new ones were refused.
    case deletesAfterARefusal
    /// Only the last portion of a batch tells its dead letters.
    case losesEarlierFailures
    case writesChildrenFirst
    /// `&amp;` stays as it is; the checkers that use the engine's text work agree.
    case decodesNoEntities
    case countsMissingAsSkipped
    case countsSkippedAsMissing
    /// One batch per minute, as if every one of them had to find out whether points can be written.
    case claimsOnceAMinute
    /// A batch that has reached its deadline is given back as if somebody had interrupted it.
    case releasesAtTheDeadline
    /// A batch that is given back on a signal is reported as failed.
    case interruptionsCostARetry
    /// A batch that a dead process has held is divided, although it has retries left.
    case isolatesAtTheFirstDeath
    /// A controller that takes over does not know of the job's limit.
    case forgetsTheLimit
    /// A controller that takes over plans up to its own limit instead of the job's.
    case takesItsOwnLimit
    /// Of two waits that the embedder asks for, the one that was asked for last counts.
    case takesTheLatestWait
    /// Requests are sent without a reservation.
    case reservesNothing
    /// A batch that is given back for an outage is left for half an hour.
    case defersForHalfAnHour
    /// A batch that is done is given back, as if its lease were over.
    case doubtsItsLease
    /// The grace after a signal does not end.
    case neverEndsTheGrace
    /// Minutes go by under a lease, with nothing to wait for.
    case dawdlesUnderItsLease

    /// The checkers of which one must find it.
    package var invariants: [String] {
        switch self {
        // Among what it has not seen may be points of another source.
        case .deletesWhatItHasNotSeen: ["I18", "I29"]
        // It never hears that the collection is full, and goes on paying.
        case .writesWithoutWaiting: ["I18", "I22"]
        // The store refuses counts of which more were removed than are skipped or missing.
        case .countsBlankAsFailed: ["I18", "I24"]
        case .deletesBeforeWriting, .missesAtTheFirstLook, .keepsPointsOfAbsentRows, .sharesLists, .carriesOldLists,
            .deletesAfterARefusal, .losesEarlierFailures,
            .writesChildrenFirst, .decodesNoEntities, .countsMissingAsSkipped, .countsSkippedAsMissing:
            ["I18"]
        case .removesPointsOfOtherSources: ["I29"]
        // Those of a record whose text comes back are paid for again.
        case .removesUnmarkedPoints: ["I29", "I21"]
        // Its writes come after its lease, too.
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
        // It goes on paying, too.
        case .blamesThePointsWhenFull: ["I18", "I22"]
        case .takesEverySourceForItsOwn, .marksNothing: ["I29"]
        // Nobody can work then.
        case .filtersWithoutAnIndex: ["I24"]
        case .neverBrakes: ["I30"]
        case .claimsOnceAMinute, .dawdlesUnderItsLease: ["I23"]
        case .releasesAtTheDeadline, .interruptionsCostARetry: ["I7"]
        case .isolatesAtTheFirstDeath: ["I6"]
        case .forgetsTheLimit, .takesItsOwnLimit: ["I12"]
        case .takesTheLatestWait, .reservesNothing: ["I22"]
        case .defersForHalfAnHour, .doubtsItsLease: ["I7"]
        case .neverEndsTheGrace: ["I24"]
        }
    }
}

extension PortBug {
    /// The policy of a mistake that is one of policy.
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
