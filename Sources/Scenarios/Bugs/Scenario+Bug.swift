/// Planted mistakes, so that a test can show which checkers find them.
extension Scenario {
    package enum Bug: Sendable, Equatable {
        /// A mistake of the store.
        case store(PlantedBug)
        /// A mistake of the processes.
        case port(PortBug)

        /// All mistakes except one that makes nothing unsafe or late: only a model of the store sees it
        /// (`PlantedBugTests`).
        package static let all =
            PlantedBug.allCases.filter { $0 != .claimWithoutSecondLook }
            .map(Self.store)
            + PortBug.allCases.map(Self.port)

        package var name: String {
            switch self {
            case .store(let bug): bug.rawValue
            case .port(let bug): bug.rawValue
            }
        }

        var ofStore: PlantedBug? { if case .store(let bug) = self { bug } else { nil } }
        var ofPorts: PortBug? { if case .port(let bug) = self { bug } else { nil } }

        /// The scenario that shows the mistake soonest.
        package var scenario: Scenario {
            let name =
                switch self {
                case .store(.heartbeatPassesTheDeadline), .store(.progressIsAdded): "slow"
                case .store(.claimChecksThenSets), .store(.claimWithoutItsLock), .store(.reaperDoesNotLookAgain),
                    .store(.finalizeReadsTwice):
                    "races"
                case .port(.opensInsteadOfJoining), .port(.joinsWithoutLooking): "colleagues"
                case .port(.forgetsSuspects), .port(.condemnsAfterTwoFailures): "suspects"
                case .port(.sendsWithoutMoney), .port(.hurriesWhenThrottled): "money"
                case .port(.neverBrakes), .store(.resumeKeepsTheBaseline): "brakes"
                case .store(.joinRevivesAnEndedJob): "operators"
                case .port(.missesAtTheFirstLook), .port(.keepsPointsOfAbsentRows),
                    .port(.removesPointsOfOtherSources), .port(.removesUnmarkedPoints),
                    .port(.countsMissingAsSkipped), .port(.countsSkippedAsMissing):
                    "absences"
                case .port(.sharesLists), .port(.carriesOldLists), .port(.deletesAfterARefusal),
                    .port(.losesEarlierFailures), .port(.writesChildrenFirst), .port(.decodesNoEntities):
                    "records"
                case .port(.blamesThePointsWhenFull): "full"
                case .port(.releasesAtTheDeadline), .port(.neverEndsTheGrace): "slow"
                case .port(.isolatesAtTheFirstDeath), .port(.embedsHalfRecordsAgain): "crashes"
                case .port(.takesTheLatestWait), .port(.reservesNothing): "money"
                case .port(.interruptionsCostARetry): "operators"
                case .port(.recallsAnotherVector), .port(.keepsAfterTheWrite), .port(.paysForRecalledVectors): "caches"
                default: "swarm"
                }
            return Scenario.all.first { $0.name == name } ?? .swarm
        }

        /// The checkers: at least one of them must find the mistake.
        package var invariants: [String] {
            switch self {
            case .store(let bug): bug.invariants
            case .port(let bug): bug.invariants
            }
        }
    }
}

extension PlantedBug {
    fileprivate var invariants: [String] {
        switch self {
        case .claimChecksThenSets, .heartbeatPassesTheDeadline: ["I5"]
        case .claimWithoutItsLock: ["I9"]
        case .claimWithoutSecondLook: []
        // A worker that is accepted after its attempt has ended also goes on writing. A finish that arrives twice is
        // applied twice if its batch was claimed again in between.
        case .statusIsTheOnlyGuard, .finishByNumberAlone: ["I3", "I1", "I10", "I20"]
        case .progressIsAdded, .everyAttemptIsCounted: ["I10", "I13", "I15"]
        case .deferUsesTheBudget: ["I7"]
        case .reaperDoesNotLookAgain: ["I6", "I1"]
        case .requeueResetsTheAttempt: ["I4", "I1"]
        case .appendIgnoresTheCursor: ["I12"]
        case .oldEpochIsHeard: ["I11"]
        // A process that was given an ended job finds it ended, and opens another one.
        case .joinRevivesAnEndedJob: ["I11", "I27"]
        case .opensBesideAnother: ["I11"]
        case .isolatesWhatHasNotFailed, .isolatesInPairs: ["I6"]
        case .finalizeReadsTwice: ["I17"]
        case .resumeKeepsTheBaseline: ["I31", "I15"]
        }
    }
}
