package import Migration

/// A job store under test, and a way to let its database clock pass.
package protocol JobStoreHarness: Sendable {
    /// The store; every call of one rule goes to it.
    var store: any JobStore { get }
    /// Lets the database clock pass, and nothing else.
    func advance(by duration: Duration) async throws
}

/// The promises of the tracking contract, one rule each: kept by the fake and by every real store.
///
/// The rules are named after what they demand; their messages cite the invariants I1…I26 of `docs/tracking.md`. A rule
/// works on a target of its own, so that rules may share a store. After each rule, the accounting of its jobs is
/// recounted (I13…I16), whatever the rule was about.
package struct JobStoreConformance: Sendable {
    private let make: @Sendable () async throws -> any JobStoreHarness

    /// - Parameter make: a store to check one rule on; new or shared.
    package init(make: @escaping @Sendable () async throws -> any JobStoreHarness) {
        self.make = make
    }

    /// Checks one rule.
    ///
    /// - Throws: an error whose description says which promise was broken, with the values seen; or whatever the store
    ///   threw where it should have answered.
    package func check(_ rule: Rule) async throws {
        let scene = JobScene(harness: try await make())
        try await rule.check(scene)
        try await scene.checkAccounting()
    }

    /// What a store must do.
    package enum Rule: String, CaseIterable, Sendable {
        // Opening and planning.
        case schemaVersionAnswers
        case openMakesOneJobForATarget
        case openAtTheSameTimeMakesOneJob
        case openWhileAnotherControlsMakesAFollower
        case openAfterTheControllerLeaseRaisesTheEpoch
        case openRefusesAnotherConfiguration
        case openStartsOnlyWhenAsked
        case openNeverUnpauses
        case openAfterTheEndMakesANewJob
        case openRefusesWrongInput
        case joinAsksForTheControllerLease
        case joinAtTheSameTimeMakesOneController
        case joinRepeatedIsTheSame
        case joinNeverOpensAJob
        case openOpensOneJobForAToken
        case joinOfAnEndedJobChangesNothing
        case joinNeverJoinsAnotherJob
        case joinRefusesAnotherConfiguration
        case joinNeitherStartsNorUnpauses
        case joinRefusesWrongInput
        case openStoresTheServers
        case addedServersAreAUnion
        case addedServersAreBounded
        case jobsAreListedByCollection
        // What the brakes count.
        case serviceFailuresAreNotOfTheContent
        case serviceFailuresOfAWholeBatchAreCounted
        case serviceFailuresAreNeverLowered
        case removedRecordsAreCounted
        case removedIsPartOfSkippedAndMissing
        case resumeSetsTheBaselines
        case requeueSetsTheBaselines
        case renewKeepsTheControllerLease
        case renewRevivesALeaseNobodyTook
        case renewIsLostForStrangers
        case appendNumbersBatchesDensely
        case appendKeepsEveryBitOfAnID
        case appendRepeatedIsADuplicate
        case appendElsewhereChangesNothing
        case appendOfAnOldEpochIsLost
        case appendAfterTheSealIsRefused
        case appendToAnEndedJobIsClosed
        case appendRefusesIDsOutOfOrder
        case appendRefusesEmptyPages
        case sealIsStoredOnce
        case sealNeedsTheCursor
        // Claims and heartbeats.
        case claimHandsOutBatchesInOrder
        case claimNeverHandsOutABatchTwice
        case claimRepeatedListsTheSame
        case claimsWithOneIDAtTheSameTimeAgree
        case claimRepeatedAfterALeaseIsANewClaim
        case claimRefusesAnotherConfiguration
        case claimOfAnUnknownJobIsNotFound
        case claimNeedsARunningJob
        case claimWaitsForTheRetryTime
        case claimWorksBeforeTheSeal
        case claimFloorHidesNothing
        case claimLooksBelowAFloorThatIsTooHigh
        case claimRefusesWrongInput
        case attemptsCountUpWithoutGap
        case leaseNeverPassesTheDeadline
        case heartbeatExtendsTheLease
        case heartbeatStopsAtTheDeadline
        case heartbeatOfAnEndedAttemptIsLost
        case heartbeatOfAReapedAttemptIsLost
        case heartbeatRevivesAnExpiredLease
        case heartbeatCountsOnlyRise
        case heartbeatTellsOfACancel
        case heartbeatAnswersInTheOrderOfItems
        case heartbeatRefusesNegativeCounts
        case heartbeatRefusesMoreThanTheBatchHas
        case heartbeatOfAMalformedListChangesNothing
        // How attempts end.
        case finishCompletedIsFinal
        case finishRepeatedIsADuplicate
        case finishRepeatedWithAnotherOutcomeKeepsTheFirst
        case finishAtTheSameTimeIsAppliedOnce
        case finishOfAnOldAttemptIsLost
        case finishOfAnUnknownBatchIsLost
        case finishAfterTheLeaseIsApplied
        case finishAfterTheReaperIsLost
        case finishFailedUsesTheBudget
        case backoffNeverPassesTheCap
        case finishFailedHonoursItsOwnWait
        case finishFailedForGoodWritesDeadLetters
        case finishAllFailedTakesTheBatchError
        case finishFailedForGoodWithoutAnErrorIsNamed
        case releaseIsFreeAndAtOnce
        case deferIsFreeAndLater
        case releasedBatchGoesBehindTheOthers
        case finishNeedsCountsThatAddUp
        case finishNeedsExactlyTheFailedRecords
        case finishWorksWhileTheJobIsPausedOrCancelled
        case longMessagesAreCut
        // Reaper, steering, ending, watching.
        case reaperEndsExpiredLeases
        case reaperGivesAQuarterOfTheLeaseAsGrace
        case reaperNamesTheDeadline
        case reaperUsesTheBudget
        case reaperPagesByItsLimit
        case reaperLooksFarBackOnlyWhenFull
        case reaperWorksInAnyStatus
        case reaperRefusesWrongLimits
        case reapersAtTheSameTimeReapOnce
        case pauseStopsClaimsUntilResume
        case pauseAtTheSameTimeAsClaims
        case controlFollowsTheStateMachine
        case cancelKeepsReasonAndBatches
        case finalizeNeedsASealedAndDrainedJob
        case finalizeFailsAJobWithAFailedBatch
        case finalizeCompletesAJobWithDeadLetters
        case finalizeAnEmptyPlan
        case finalizeByStatus
        case finalizeAtTheSameTimeAsTheLastEnds
        case statsCountEveryState
        case statsOfAnUnknownJobAreNotFound
        // Repair.
        case releaseEndsAttemptsAtOnce
        case releasedWorkerIsLost
        case releaseUsesTheBudget
        case releaseNamesWorkersRunnersAndHosts
        case releaseJoinsItsConditions
        case releaseOnlySaysInADryRun
        case releaseLeavesWhatIsClaimedAgain
        case releasePagesByItsLimit
        case releaseWorksInAnyStatus
        case releaseRefusesWrongInput
        case releasesAtTheSameTimeReleaseOnce
        case recountOfARightJobChangesNothing
        case recountWhileWorkGoesOn
        case recountOfAnUnknownJobIsNotFound
        case outcomeIsGoneWhileABatchIsAtWork
        // Requeues.
        case requeueOpensFailedBatchesAgain
        case requeueIsolatesRecords
        case requeueMovesDeadLettersToNewBatches
        case requeuedRecordThatFailsAgainKeepsOneDeadLetter
        case requeueRepeatedIsADuplicate
        case requeueResolvesOnlyOpenDeadLetters
        case requeueObeysItsFilter
        case requeueOfRecordsObeysItsFilter
        case requeueOfRecordsLeavesFailedBatchesAlone
        case requeueOfNothingLeavesTheJobEnded
        case requeueWorksInAnOpenJob
        case requeueOfACancelledJobIsRefused
        case requeueBesideAnOpenJobIsAConflict
        case requeueOfAnUnknownJobIsNotFound
        case requeueRefusesWrongInput
        case lateEndOfARequeuedBatchChangesNothing
        // Lists and quotas.
        case jobsAreListedNewestFirst
        case batchesAreListedByNumber
        case failuresAreListedByRecord
        case eventsTellABatchsHistory
        case eventsArePaged
        case eventsAreASwitch
        case listsRefuseWrongLimits
        case unknownQuotaGrantsEverything
        case quotaPacesTokens
        case quotaPacesRequests
        case quotaRefusalIsNotCharged
        case quotaStopsForEverybody
        case throttlePausesEverybodyAndCutsOnce
        case quotaPacesFromTheEndOfAPause
        case quotaRefusesWrongInput
        case quotaReachesTenMinutesAtMost
        case quotaBearsAnyNumber
        case resumeEndsLongWaitsAlone
        case quotasAreListedByName
        case quotaIsForgotten
        case eventsAreReadBackwards
        case requeuedBatchesAreListedAlone
        // What was paid, and which runners are at work.
        case paidIsAddedWithEveryEnd
        case paidIsAddedOnce
        case paidIsBounded
        case givingBackSaysOnlyWhatWasPaid
        case runnersAreListedByName
        case runnersAreListedBySign
        case runnerKeepsTheBeginningOfAState
        case runnerTellsItsRateByTheMinute
        case runnerWithTheNameOfAnotherBeginsAnew
        case runnersThatAreGoneAreForgotten
        case runnerOfAnUnknownJobIsNotFound
        case runnerReportsAreBounded
        // Retention, and requeues by key.
        case deletionLeavesNothingOfAJob
        case deletionGoesOnPageByPage
        case deletionOfAnOpenJobIsRefused
        case deletionOfAYoungJobIsRefused
        case deletionOfARequeuedJobIsRefused
        case deletionsAtTheSameTimeDeleteEachRowOnce
        case deletionRefusesWrongInput
        case deletedJobIsOpenedByNobody
        case historyIsCutFromItsBegin
        case retentionTellsWhatDecides
        case requeueGoesOnAfterThePageBefore
    }
}
