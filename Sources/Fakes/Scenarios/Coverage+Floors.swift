/// Written by `scripts/floors`, which is to be run again when the workload has changed.
extension Coverage {
    /// What 1,000 seeds of the swarm meet, over 30 ranges of seeds; what is too rare for a floor is left out.
    static let usual: [Usual] = [
        Usual(.staleFinishMetNewOwner, mean: 57.6, deviation: 12.5),
        Usual(.staleWriteLanded, mean: 59.3, deviation: 7.9),
        Usual(.answerLostAfterCommit, mean: 13716.4, deviation: 561.6),
        Usual(.repeatedClaimAnsweredAlike, mean: 1515.6, deviation: 56.6),
        Usual(.repeatedClaimMetOriginal, mean: 333.4, deviation: 40.3),
        Usual(.leaseRevived, mean: 122.6, deviation: 13.5),
        Usual(.deadlineHit, mean: 26.3, deviation: 8.1),
        Usual(.reaperRacedFinish, mean: 88.9, deviation: 13.2),
        Usual(.claimSkippedLockedRow, mean: 1462.2, deviation: 127.8),
        Usual(.budgetUsedUp, mean: 935.7, deviation: 45.5),
        Usual(.killerIsolated, mean: 508.7, deviation: 28.9),
        Usual(.deferred, mean: 2084.1, deviation: 120.1),
        Usual(.plannerDiedBetweenReadAndAppend, mean: 231.1, deviation: 13.4),
        Usual(.controllerReplacedWhilePlanning, mean: 153.7, deviation: 13.3),
        Usual(.oldEpochRefused, mean: 37.6, deviation: 7.5),
        Usual(.controlRacedClaim, mean: 61.8, deviation: 10.0),
        Usual(.releasedOnSignal, mean: 306.6, deviation: 25.4),
        Usual(.deferredTextNotPaidTwice, mean: 1336.5, deviation: 76.2),
        Usual(.crashBetweenUpsertAndFinish, mean: 292.1, deviation: 26.3),
        Usual(.freezePastTheLease, mean: 1002.3, deviation: 27.3),
        Usual(.leftClaimsTakenOver, mean: 2868.8, deviation: 111.0),
        Usual(.otherServersRefused, mean: 270.7, deviation: 19.7),
        Usual(.jobReplaced, mean: 169.2, deviation: 10.8),
        Usual(.lateRowFound, mean: 37.9, deviation: 8.3),
        Usual(.absentPointsRemoved, mean: 4378.1, deviation: 166.4),
        Usual(.foundFull, mean: 245.4, deviation: 26.2),
        Usual(.pointsMarked, mean: 2800.1, deviation: 91.2),
    ]
}
