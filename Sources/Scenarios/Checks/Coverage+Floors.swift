/// Written by `scripts/floors`, which is to be run again when the workload has changed.
extension Coverage {
    /// What 1,000 seeds of the swarm meet, over 50 ranges of seeds; what is too rare for a floor is left out.
    ///
    /// Texts in several requests, equal texts and caches were measured over 15 ranges when the caches came; in these ranges
    /// the others were as before.
    package static let usual: [Usual] = [
        Usual(.staleFinishMetNewOwner, mean: 58.6, deviation: 10.2),
        Usual(.staleWriteLanded, mean: 58.6, deviation: 10.4),
        Usual(.answerLostAfterCommit, mean: 13628.5, deviation: 652.2),
        Usual(.repeatedClaimAnsweredAlike, mean: 1499.9, deviation: 73.0),
        Usual(.repeatedClaimMetOriginal, mean: 336.9, deviation: 46.5),
        Usual(.leaseRevived, mean: 145.1, deviation: 15.8),
        Usual(.deadlineHit, mean: 31.8, deviation: 10.4),
        Usual(.reaperRacedFinish, mean: 95.4, deviation: 14.2),
        Usual(.claimSkippedLockedRow, mean: 1725.7, deviation: 139.6),
        Usual(.budgetUsedUp, mean: 917.3, deviation: 38.2),
        Usual(.killerIsolated, mean: 498.8, deviation: 24.5),
        Usual(.deferred, mean: 3180.9, deviation: 138.0),
        Usual(.plannerDiedBetweenReadAndAppend, mean: 231.3, deviation: 14.5),
        Usual(.controllerReplacedWhilePlanning, mean: 188.8, deviation: 13.6),
        Usual(.oldEpochRefused, mean: 85.9, deviation: 9.1),
        Usual(.controlRacedClaim, mean: 106.4, deviation: 11.6),
        Usual(.releasedOnSignal, mean: 314.6, deviation: 25.6),
        Usual(.deferredTextNotPaidTwice, mean: 1712.3, deviation: 97.8),
        Usual(.crashBetweenUpsertAndFinish, mean: 334.7, deviation: 28.3),
        Usual(.freezePastTheLease, mean: 1214.9, deviation: 56.4),
        Usual(.leftClaimsTakenOver, mean: 2910.3, deviation: 111.2),
        Usual(.otherServersRefused, mean: 275.7, deviation: 18.3),
        Usual(.jobReplaced, mean: 173.7, deviation: 14.1),
        Usual(.lateRowFound, mean: 49.3, deviation: 9.5),
        Usual(.absentPointsRemoved, mean: 4310.7, deviation: 172.9),
        Usual(.foundFull, mean: 239.6, deviation: 23.4),
        Usual(.pointsMarked, mean: 2719.4, deviation: 76.5),
        Usual(.pointRefused, mean: 2982.6, deviation: 142.4),
        Usual(.severalPortions, mean: 1552.1, deviation: 180.3),
        Usual(.recordOverRequests, mean: 2564.3, deviation: 258.6),
        Usual(.listsSet, mean: 5809.8, deviation: 324.6),
        Usual(.equalTextShared, mean: 2465.5, deviation: 508.6),
        Usual(.vectorRecalled, mean: 7779.5, deviation: 568.5),
        Usual(.cacheGivenUp, mean: 391.8, deviation: 40.8),
    ]
}
