import Testing

@testable import Scenarios

@Suite struct `Floors of what a run meets` {
    @Test func `are there for every event of the whole workload`() {
        // Brakes are as tight as a small table needs them in a scenario of their own only.
        let without = Coverage.Event.allCases.filter { Coverage.floor(of: $0, seeds: 1000) == nil }
        #expect(without == [.braked], "an event without a floor: `scripts/floors` measures the floors anew")
    }

    @Test func `are those of at least 1,000 seeds, and rise faster than the seeds`() throws {
        for event in Coverage.Event.allCases where event != .braked {
            #expect(Coverage.floor(of: event, seeds: 999) == nil)
            let floor = try #require(Coverage.floor(of: event, seeds: 1000))
            let ofMore = try #require(Coverage.floor(of: event, seeds: 4000))
            // The least floor is 1, of few seeds and of many.
            #expect(ofMore >= (floor > 1 ? 4 * floor : 1))
        }
    }

    /// Few seeds meet these, and such a seed several times: they vary too much for a floor that shows much.
    private static let clustered: Set<Coverage.Event> = [
        .staleFinishMetNewOwner, .staleWriteLanded, .deadlineHit, .lateRowFound, .equalTextShared,
    ]

    @Test func `are no less than a quarter of the mean, where they can be: lower ones show nothing`() throws {
        for usual in Coverage.usual where !Self.clustered.contains(usual.event) {
            let floor = try #require(Coverage.floor(of: usual.event, seeds: 1000))
            #expect(Double(floor) >= usual.mean / 4, "\(usual.event): \(floor) of \(usual.mean)")
        }
    }

    @Test func `are missed by a run that has met too little`() throws {
        var coverage = Coverage()
        for event in Coverage.Event.allCases {
            guard let floor = Coverage.floor(of: event, seeds: 1000) else { continue }
            coverage.add(event, event == .deferred ? floor - 1 : floor)
        }
        #expect(coverage.missed(seeds: 1000).map(\.event) == [.deferred])
    }
}
