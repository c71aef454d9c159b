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
    }
}

extension JobStoreConformance.Rule {
    fileprivate func check(_ scene: JobScene) async throws {
        if try await planning(scene) { return }
        if try await claiming(scene) { return }
        if try await finishing(scene) { return }
        if try await operating(scene) { return }
        if try await requeueing(scene) { return }
        if try await reading(scene) { return }
        throw RuleBroken("\(rawValue) has no check")
    }

    /// Opening and planning: checks the rule if it is one of these.
    private func planning(_ scene: JobScene) async throws -> Bool {
        switch self {
        case .schemaVersionAnswers: try await scene.schemaVersionAnswers()
        case .openMakesOneJobForATarget: try await scene.openMakesOneJobForATarget()
        case .openAtTheSameTimeMakesOneJob: try await scene.openAtTheSameTimeMakesOneJob()
        case .openWhileAnotherControlsMakesAFollower: try await scene.openWhileAnotherControlsMakesAFollower()
        case .openAfterTheControllerLeaseRaisesTheEpoch: try await scene.openAfterTheControllerLeaseRaisesTheEpoch()
        case .openRefusesAnotherConfiguration: try await scene.openRefusesAnotherConfiguration()
        case .openStartsOnlyWhenAsked: try await scene.openStartsOnlyWhenAsked()
        case .openNeverUnpauses: try await scene.openNeverUnpauses()
        case .openAfterTheEndMakesANewJob: try await scene.openAfterTheEndMakesANewJob()
        case .openRefusesWrongInput: try await scene.openRefusesWrongInput()
        case .renewKeepsTheControllerLease: try await scene.renewKeepsTheControllerLease()
        case .renewRevivesALeaseNobodyTook: try await scene.renewRevivesALeaseNobodyTook()
        case .renewIsLostForStrangers: try await scene.renewIsLostForStrangers()
        case .appendNumbersBatchesDensely: try await scene.appendNumbersBatchesDensely()
        case .appendKeepsEveryBitOfAnID: try await scene.appendKeepsEveryBitOfAnID()
        case .appendRepeatedIsADuplicate: try await scene.appendRepeatedIsADuplicate()
        case .appendElsewhereChangesNothing: try await scene.appendElsewhereChangesNothing()
        case .appendOfAnOldEpochIsLost: try await scene.appendOfAnOldEpochIsLost()
        case .appendAfterTheSealIsRefused: try await scene.appendAfterTheSealIsRefused()
        case .appendToAnEndedJobIsClosed: try await scene.appendToAnEndedJobIsClosed()
        case .appendRefusesIDsOutOfOrder: try await scene.appendRefusesIDsOutOfOrder()
        case .appendRefusesEmptyPages: try await scene.appendRefusesEmptyPages()
        case .sealIsStoredOnce: try await scene.sealIsStoredOnce()
        case .sealNeedsTheCursor: try await scene.sealNeedsTheCursor()
        default: return false
        }
        return true
    }

    /// Claims and heartbeats: checks the rule if it is one of these.
    private func claiming(_ scene: JobScene) async throws -> Bool {
        switch self {
        case .claimHandsOutBatchesInOrder: try await scene.claimHandsOutBatchesInOrder()
        case .claimNeverHandsOutABatchTwice: try await scene.claimNeverHandsOutABatchTwice()
        case .claimRepeatedListsTheSame: try await scene.claimRepeatedListsTheSame()
        case .claimsWithOneIDAtTheSameTimeAgree: try await scene.claimsWithOneIDAtTheSameTimeAgree()
        case .claimRepeatedAfterALeaseIsANewClaim: try await scene.claimRepeatedAfterALeaseIsANewClaim()
        case .claimRefusesAnotherConfiguration: try await scene.claimRefusesAnotherConfiguration()
        case .claimOfAnUnknownJobIsNotFound: try await scene.claimOfAnUnknownJobIsNotFound()
        case .claimNeedsARunningJob: try await scene.claimNeedsARunningJob()
        case .claimWaitsForTheRetryTime: try await scene.claimWaitsForTheRetryTime()
        case .claimWorksBeforeTheSeal: try await scene.claimWorksBeforeTheSeal()
        case .claimFloorHidesNothing: try await scene.claimFloorHidesNothing()
        case .claimLooksBelowAFloorThatIsTooHigh: try await scene.claimLooksBelowAFloorThatIsTooHigh()
        case .claimRefusesWrongInput: try await scene.claimRefusesWrongInput()
        case .attemptsCountUpWithoutGap: try await scene.attemptsCountUpWithoutGap()
        case .leaseNeverPassesTheDeadline: try await scene.leaseNeverPassesTheDeadline()
        case .heartbeatExtendsTheLease: try await scene.heartbeatExtendsTheLease()
        case .heartbeatStopsAtTheDeadline: try await scene.heartbeatStopsAtTheDeadline()
        case .heartbeatOfAnEndedAttemptIsLost: try await scene.heartbeatOfAnEndedAttemptIsLost()
        case .heartbeatOfAReapedAttemptIsLost: try await scene.heartbeatOfAReapedAttemptIsLost()
        case .heartbeatRevivesAnExpiredLease: try await scene.heartbeatRevivesAnExpiredLease()
        case .heartbeatCountsOnlyRise: try await scene.heartbeatCountsOnlyRise()
        case .heartbeatTellsOfACancel: try await scene.heartbeatTellsOfACancel()
        case .heartbeatAnswersInTheOrderOfItems: try await scene.heartbeatAnswersInTheOrderOfItems()
        case .heartbeatRefusesNegativeCounts: try await scene.heartbeatRefusesNegativeCounts()
        case .heartbeatOfAMalformedListChangesNothing: try await scene.heartbeatOfAMalformedListChangesNothing()
        default: return false
        }
        return true
    }

    /// How attempts end: checks the rule if it is one of these.
    private func finishing(_ scene: JobScene) async throws -> Bool {
        switch self {
        case .finishCompletedIsFinal: try await scene.finishCompletedIsFinal()
        case .finishRepeatedIsADuplicate: try await scene.finishRepeatedIsADuplicate()
        case .finishRepeatedWithAnotherOutcomeKeepsTheFirst:
            try await scene.finishRepeatedWithAnotherOutcomeKeepsTheFirst()
        case .finishAtTheSameTimeIsAppliedOnce: try await scene.finishAtTheSameTimeIsAppliedOnce()
        case .finishOfAnOldAttemptIsLost: try await scene.finishOfAnOldAttemptIsLost()
        case .finishOfAnUnknownBatchIsLost: try await scene.finishOfAnUnknownBatchIsLost()
        case .finishAfterTheLeaseIsApplied: try await scene.finishAfterTheLeaseIsApplied()
        case .finishAfterTheReaperIsLost: try await scene.finishAfterTheReaperIsLost()
        case .finishFailedUsesTheBudget: try await scene.finishFailedUsesTheBudget()
        case .backoffNeverPassesTheCap: try await scene.backoffNeverPassesTheCap()
        case .finishFailedHonoursItsOwnWait: try await scene.finishFailedHonoursItsOwnWait()
        case .finishFailedForGoodWritesDeadLetters: try await scene.finishFailedForGoodWritesDeadLetters()
        case .finishAllFailedTakesTheBatchError: try await scene.finishAllFailedTakesTheBatchError()
        case .finishFailedForGoodWithoutAnErrorIsNamed: try await scene.finishFailedForGoodWithoutAnErrorIsNamed()
        case .releaseIsFreeAndAtOnce: try await scene.releaseIsFreeAndAtOnce()
        case .deferIsFreeAndLater: try await scene.deferIsFreeAndLater()
        case .releasedBatchGoesBehindTheOthers: try await scene.releasedBatchGoesBehindTheOthers()
        case .finishNeedsCountsThatAddUp: try await scene.finishNeedsCountsThatAddUp()
        case .finishNeedsExactlyTheFailedRecords: try await scene.finishNeedsExactlyTheFailedRecords()
        case .finishWorksWhileTheJobIsPausedOrCancelled: try await scene.finishWorksWhileTheJobIsPausedOrCancelled()
        case .longMessagesAreCut: try await scene.longMessagesAreCut()
        default: return false
        }
        return true
    }

    /// Reaper, steering, ending, watching: checks the rule if it is one of these.
    private func operating(_ scene: JobScene) async throws -> Bool {
        switch self {
        case .reaperEndsExpiredLeases: try await scene.reaperEndsExpiredLeases()
        case .reaperGivesAQuarterOfTheLeaseAsGrace: try await scene.reaperGivesAQuarterOfTheLeaseAsGrace()
        case .reaperNamesTheDeadline: try await scene.reaperNamesTheDeadline()
        case .reaperUsesTheBudget: try await scene.reaperUsesTheBudget()
        case .reaperPagesByItsLimit: try await scene.reaperPagesByItsLimit()
        case .reaperLooksFarBackOnlyWhenFull: try await scene.reaperLooksFarBackOnlyWhenFull()
        case .reaperWorksInAnyStatus: try await scene.reaperWorksInAnyStatus()
        case .reaperRefusesWrongLimits: try await scene.reaperRefusesWrongLimits()
        case .reapersAtTheSameTimeReapOnce: try await scene.reapersAtTheSameTimeReapOnce()
        case .pauseStopsClaimsUntilResume: try await scene.pauseStopsClaimsUntilResume()
        case .pauseAtTheSameTimeAsClaims: try await scene.pauseAtTheSameTimeAsClaims()
        case .controlFollowsTheStateMachine: try await scene.controlFollowsTheStateMachine()
        case .cancelKeepsReasonAndBatches: try await scene.cancelKeepsReasonAndBatches()
        case .finalizeNeedsASealedAndDrainedJob: try await scene.finalizeNeedsASealedAndDrainedJob()
        case .finalizeFailsAJobWithAFailedBatch: try await scene.finalizeFailsAJobWithAFailedBatch()
        case .finalizeCompletesAJobWithDeadLetters: try await scene.finalizeCompletesAJobWithDeadLetters()
        case .finalizeAnEmptyPlan: try await scene.finalizeAnEmptyPlan()
        case .finalizeByStatus: try await scene.finalizeByStatus()
        case .finalizeAtTheSameTimeAsTheLastEnds: try await scene.finalizeAtTheSameTimeAsTheLastEnds()
        case .statsCountEveryState: try await scene.statsCountEveryState()
        case .statsOfAnUnknownJobAreNotFound: try await scene.statsOfAnUnknownJobAreNotFound()
        default: return false
        }
        return true
    }

    /// Requeues: checks the rule if it is one of these.
    private func requeueing(_ scene: JobScene) async throws -> Bool {
        switch self {
        case .requeueOpensFailedBatchesAgain: try await scene.requeueOpensFailedBatchesAgain()
        case .requeueIsolatesRecords: try await scene.requeueIsolatesRecords()
        case .requeueMovesDeadLettersToNewBatches: try await scene.requeueMovesDeadLettersToNewBatches()
        case .requeuedRecordThatFailsAgainKeepsOneDeadLetter:
            try await scene.requeuedRecordThatFailsAgainKeepsOneDeadLetter()
        case .requeueRepeatedIsADuplicate: try await scene.requeueRepeatedIsADuplicate()
        case .requeueResolvesOnlyOpenDeadLetters: try await scene.requeueResolvesOnlyOpenDeadLetters()
        case .requeueObeysItsFilter: try await scene.requeueObeysItsFilter()
        case .requeueOfRecordsObeysItsFilter: try await scene.requeueOfRecordsObeysItsFilter()
        case .requeueOfRecordsLeavesFailedBatchesAlone: try await scene.requeueOfRecordsLeavesFailedBatchesAlone()
        case .requeueOfNothingLeavesTheJobEnded: try await scene.requeueOfNothingLeavesTheJobEnded()
        case .requeueWorksInAnOpenJob: try await scene.requeueWorksInAnOpenJob()
        case .requeueOfACancelledJobIsRefused: try await scene.requeueOfACancelledJobIsRefused()
        case .requeueBesideAnOpenJobIsAConflict: try await scene.requeueBesideAnOpenJobIsAConflict()
        case .requeueOfAnUnknownJobIsNotFound: try await scene.requeueOfAnUnknownJobIsNotFound()
        case .requeueRefusesWrongInput: try await scene.requeueRefusesWrongInput()
        case .lateEndOfARequeuedBatchChangesNothing: try await scene.lateEndOfARequeuedBatchChangesNothing()
        default: return false
        }
        return true
    }

    /// Lists and quotas: checks the rule if it is one of these.
    private func reading(_ scene: JobScene) async throws -> Bool {
        switch self {
        case .jobsAreListedNewestFirst: try await scene.jobsAreListedNewestFirst()
        case .batchesAreListedByNumber: try await scene.batchesAreListedByNumber()
        case .failuresAreListedByRecord: try await scene.failuresAreListedByRecord()
        case .eventsTellABatchsHistory: try await scene.eventsTellABatchsHistory()
        case .eventsArePaged: try await scene.eventsArePaged()
        case .eventsAreASwitch: try await scene.eventsAreASwitch()
        case .listsRefuseWrongLimits: try await scene.listsRefuseWrongLimits()
        case .unknownQuotaGrantsEverything: try await scene.unknownQuotaGrantsEverything()
        case .quotaPacesTokens: try await scene.quotaPacesTokens()
        case .quotaPacesRequests: try await scene.quotaPacesRequests()
        case .quotaRefusalIsNotCharged: try await scene.quotaRefusalIsNotCharged()
        case .quotaStopsForEverybody: try await scene.quotaStopsForEverybody()
        case .throttlePausesEverybodyAndCutsOnce: try await scene.throttlePausesEverybodyAndCutsOnce()
        case .quotaPacesFromTheEndOfAPause: try await scene.quotaPacesFromTheEndOfAPause()
        case .quotaRefusesWrongInput: try await scene.quotaRefusesWrongInput()
        default: return false
        }
        return true
    }
}
