extension JobStoreConformance.Rule {
    /// Checks this rule.
    func check(_ scene: JobScene) async throws {
        if try await planning(scene) { return }
        if try await claiming(scene) { return }
        if try await finishing(scene) { return }
        if try await operating(scene) { return }
        if try await repairing(scene) { return }
        if try await requeueing(scene) { return }
        if try await reading(scene) { return }
        if try await accounting(scene) { return }
        if try await retaining(scene) { return }
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
        case .joinAsksForTheControllerLease: try await scene.joinAsksForTheControllerLease()
        case .joinAtTheSameTimeMakesOneController: try await scene.joinAtTheSameTimeMakesOneController()
        case .joinRepeatedIsTheSame: try await scene.joinRepeatedIsTheSame()
        case .joinNeverOpensAJob: try await scene.joinNeverOpensAJob()
        case .openOpensOneJobForAToken: try await scene.openOpensOneJobForAToken()
        case .joinOfAnEndedJobChangesNothing: try await scene.joinOfAnEndedJobChangesNothing()
        case .joinNeverJoinsAnotherJob: try await scene.joinNeverJoinsAnotherJob()
        case .joinRefusesAnotherConfiguration: try await scene.joinRefusesAnotherConfiguration()
        case .joinNeitherStartsNorUnpauses: try await scene.joinNeitherStartsNorUnpauses()
        case .joinRefusesWrongInput: try await scene.joinRefusesWrongInput()
        case .openStoresTheServers: try await scene.openStoresTheServers()
        case .addedServersAreAUnion: try await scene.addedServersAreAUnion()
        case .addedServersAreBounded: try await scene.addedServersAreBounded()
        case .jobsAreListedByCollection: try await scene.jobsAreListedByCollection()
        case .serviceFailuresAreNotOfTheContent: try await scene.serviceFailuresAreNotOfTheContent()
        case .serviceFailuresOfAWholeBatchAreCounted: try await scene.serviceFailuresOfAWholeBatchAreCounted()
        case .serviceFailuresAreNeverLowered: try await scene.serviceFailuresAreNeverLowered()
        case .removedRecordsAreCounted: try await scene.removedRecordsAreCounted()
        case .removedIsPartOfSkippedAndMissing: try await scene.removedIsPartOfSkippedAndMissing()
        case .resumeSetsTheBaselines: try await scene.resumeSetsTheBaselines()
        case .requeueSetsTheBaselines: try await scene.requeueSetsTheBaselines()
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
        case .heartbeatRefusesMoreThanTheBatchHas: try await scene.heartbeatRefusesMoreThanTheBatchHas()
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

    /// Repair: checks the rule if it is one of these.
    private func repairing(_ scene: JobScene) async throws -> Bool {
        switch self {
        case .releaseEndsAttemptsAtOnce: try await scene.releaseEndsAttemptsAtOnce()
        case .releasedWorkerIsLost: try await scene.releasedWorkerIsLost()
        case .releaseUsesTheBudget: try await scene.releaseUsesTheBudget()
        case .releaseNamesWorkersRunnersAndHosts: try await scene.releaseNamesWorkersRunnersAndHosts()
        case .releaseJoinsItsConditions: try await scene.releaseJoinsItsConditions()
        case .releaseOnlySaysInADryRun: try await scene.releaseOnlySaysInADryRun()
        case .releaseLeavesWhatIsClaimedAgain: try await scene.releaseLeavesWhatIsClaimedAgain()
        case .releasePagesByItsLimit: try await scene.releasePagesByItsLimit()
        case .releaseWorksInAnyStatus: try await scene.releaseWorksInAnyStatus()
        case .releaseRefusesWrongInput: try await scene.releaseRefusesWrongInput()
        case .releasesAtTheSameTimeReleaseOnce: try await scene.releasesAtTheSameTimeReleaseOnce()
        case .recountOfARightJobChangesNothing: try await scene.recountOfARightJobChangesNothing()
        case .recountWhileWorkGoesOn: try await scene.recountWhileWorkGoesOn()
        case .recountOfAnUnknownJobIsNotFound: try await scene.recountOfAnUnknownJobIsNotFound()
        case .outcomeIsGoneWhileABatchIsAtWork: try await scene.outcomeIsGoneWhileABatchIsAtWork()
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
        case .quotaReachesTenMinutesAtMost: try await scene.quotaReachesTenMinutesAtMost()
        case .quotaBearsAnyNumber: try await scene.quotaBearsAnyNumber()
        case .resumeEndsLongWaitsAlone: try await scene.resumeEndsLongWaitsAlone()
        case .quotasAreListedByName: try await scene.quotasAreListedByName()
        case .quotaIsForgotten: try await scene.quotaIsForgotten()
        case .eventsAreReadBackwards: try await scene.eventsAreReadBackwards()
        case .requeuedBatchesAreListedAlone: try await scene.requeuedBatchesAreListedAlone()
        default: return false
        }
        return true
    }

    /// What was paid, and which runners are at work: checks the rule if it is one of these.
    private func accounting(_ scene: JobScene) async throws -> Bool {
        switch self {
        case .paidIsAddedWithEveryEnd: try await scene.paidIsAddedWithEveryEnd()
        case .paidIsAddedOnce: try await scene.paidIsAddedOnce()
        case .paidIsBounded: try await scene.paidIsBounded()
        case .givingBackSaysOnlyWhatWasPaid: try await scene.givingBackSaysOnlyWhatWasPaid()
        case .runnersAreListedByName: try await scene.runnersAreListedByName()
        case .runnersAreListedBySign: try await scene.runnersAreListedBySign()
        case .runnerKeepsTheBeginningOfAState: try await scene.runnerKeepsTheBeginningOfAState()
        case .runnerTellsItsRateByTheMinute: try await scene.runnerTellsItsRateByTheMinute()
        case .runnerWithTheNameOfAnotherBeginsAnew: try await scene.runnerWithTheNameOfAnotherBeginsAnew()
        case .runnersThatAreGoneAreForgotten: try await scene.runnersThatAreGoneAreForgotten()
        case .runnerOfAnUnknownJobIsNotFound: try await scene.runnerOfAnUnknownJobIsNotFound()
        case .runnerReportsAreBounded: try await scene.runnerReportsAreBounded()
        default: return false
        }
        return true
    }
}
