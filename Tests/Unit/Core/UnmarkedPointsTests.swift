import Testing

@testable import Migration

@Suite struct `Points without a source` {
    private func decide(_ change: (inout UnmarkedPoints.Situation) -> Void) -> UnmarkedPoints.Decision {
        var situation = UnmarkedPoints.Situation()
        change(&situation)
        return UnmarkedPoints.decide(situation)
    }

    @Test func `of a collection that the version before has loaded they are ours`() {
        #expect(decide { $0.count = 10 } == .decided(.ours))
        #expect(
            decide {
                $0.count = 10
                $0.fitsOurTable = true
            } == .decided(.ours)
        )
    }

    @Test func `beside another source nobody can guess whose they are`() {
        #expect(
            decide {
                $0.count = 10
                $0.others = ["app.other"]
                $0.fitsOurTable = true
            } == .undecided
        )
        #expect(
            decide {
                $0.count = 10
                $0.fitsOurTable = false
            } == .undecided
        )
    }

    @Test(arguments: UnmarkedPoints.allCases)
    func `the setting and what was decided before come first`(answer: UnmarkedPoints) {
        #expect(
            decide {
                $0.count = 10
                $0.others = ["app.other"]
                $0.setting = answer
            } == .decided(answer)
        )
        #expect(
            decide {
                $0.count = 10
                $0.others = ["app.other"]
                $0.stored = answer
            } == .decided(answer)
        )
        #expect(
            decide {
                $0.stored = answer == .ours ? .foreign : .ours
                $0.setting = answer
            } == .decided(answer)
        )
    }

    @Test func `they belong to exactly one source`() {
        #expect(
            decide {
                $0.count = 10
                $0.claimant = "app.other"
                $0.others = ["app.other"]
            } == .decided(.foreign)
        )
        #expect(
            decide {
                $0.count = 10
                $0.claimant = "app.other"
                $0.setting = .ours
            } == .taken(by: "app.other")
        )
    }

    @Test func `where there are none, later ones are ours only without another source`() {
        #expect(decide { _ in } == .decided(.ours))
        #expect(decide { $0.others = ["app.other"] } == .decided(.foreign))
    }
}
