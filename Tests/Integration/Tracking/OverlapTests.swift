import Conformance
import Invariants
import Migration
import Synchronization
import Testing

@testable import Adapters

/// Clients whose calls overlap: the server decides which of them goes on, so that each run is different.
@Suite(.needs(.postgres), .serialized) struct `Overlapping calls on a real PostgreSQL` {
    /// A mistake of the SQL that only shows in how much time has passed.
    struct Mistake: Sendable, CustomTestStringConvertible {
        let testDescription: String
        let breaks: TrackingInvariant
        let edit: NegativeControl.Edit

        static let all = [
            Self(
                testDescription: "the reaper comes five seconds early",
                breaks: .oneLease,
                edit: .init(
                    passage: "b.lease_expires_at < v_now - v_grace",
                    mistake: "b.lease_expires_at < v_now + interval '5 seconds'"
                )
            ),
            Self(
                testDescription: "a claim comes a second before the backoff is over",
                breaks: .termsOfClaims,
                edit: .init(
                    passage: "b.status = 'pending' AND b.next_retry_at <= v_now\n",
                    mistake: "b.status = 'pending' AND b.next_retry_at <= v_now + interval '1 second'\n"
                )
            ),
            Self(
                testDescription: "a repeated claim forgets what it holds after a hundredth of its lease",
                breaks: .repeatedClaim,
                edit: .init(
                    passage: "b.claimed_at > v_now - make_interval(secs => v_job.lease_seconds)",
                    mistake: "b.claimed_at > v_now - make_interval(secs => v_job.lease_seconds / 100.0)"
                )
            ),
        ]
    }

    /// Lets the clients of some chance do their work on a job of their own.
    ///
    /// - Returns: what they left behind.
    private static func play(_ dice: Dice, on database: TrackingDatabase) async throws -> TrackingEvidence {
        let store = try database.store(connectionsMax: 11)
        let clock = try await MovedClock(database)
        let recorder = CallRecorder {
            (clock.earliest, nil)
        } ended: {
            (clock.latest, nil)
        }
        let failure = Mutex<(any Error)?>(nil)
        let clients = OverlappingClients(dice, store, recorder) {
            // While one client pauses, the others' calls are under way.
            do { try await clock.advance(by: passed(dice)) } catch { failure.withLock { $0 = error } }
        }
        await withTaskGroup { group in
            for client in clients.all { group.addTask { await client() } }
        }
        if let error = failure.withLock({ $0 }) { throw error }
        // Each call tells itself by when it decided.
        let evidence = try await TrackingEvidence(reading: store, calls: recorder.calls, slack: .seconds(3600))
        // The next clients open a job of their own.
        try await database.run("UPDATE public.ingestion_job SET target_key = target_key || '#' || id")
        return evidence
    }

    /// Between two calls of a client mostly no time passes; sometimes a lease.
    private static func passed(_ dice: Dice) -> Duration {
        switch dice.below(40) {
        case 0: .seconds(dice.number(2...13))
        case 1: .seconds(dice.number(1...4))
        case 2..<8: .milliseconds(dice.below(1000))
        default: .zero
        }
    }

    @Test func `keep every invariant when calls overlap`() async throws {
        try await TrackingDatabase.use { database in
            try await database.makeClockMovable()
            let dice = Dice(TestEnvironment.seed)
            var meetings = Meetings()
            var spans: [Duration] = []
            for _ in 0..<max(1, historyCount(reduced: 10) / 3) {
                let evidence = try await Self.play(dice, on: database)
                #expect(evidence.violations() == [], "seed \(TestEnvironment.seed)")
                meetings.count(in: evidence)
                spans += evidence.calls.compactMap { call in
                    call.at.flatMap { at in call.until.map { .microseconds($0.microseconds - at.microseconds) } }
                }
            }
            spans.sort()
            let (half, most) = (spans[spans.count / 2], spans[spans.count * 9 / 10])
            print("overlapping calls on PostgreSQL: \(meetings); half of them within \(half), 90 % within \(most)")
            #expect(meetings.ends > 0)
        }
    }

    @Test(arguments: Mistake.all) func `notice mistakes with time`(_ mistake: Mistake) async throws {
        try await TrackingDatabase.use { database in
            try await NegativeControl.spoil(database, [mistake.edit])
            try await database.makeClockMovable()
            let dice = Dice(TestEnvironment.seed)
            for number in 1...100 {
                let evidence = try await Self.play(dice, on: database)
                if evidence.violations(of: [mistake.breaks]).isEmpty { continue }
                print("\(mistake.testDescription): found in history \(number)")
                return
            }
            Issue.record("not found, seed \(TestEnvironment.seed)")
        }
    }
}

/// The movable clock of a database, as a test knows it without asking: between two bounds.
private final class MovedClock: Sendable {
    private struct Shift {
        var least = Duration.zero
        var most = Duration.zero
    }

    private let connection: PostgresConnection
    /// What the clock showed between these two moments.
    private let shown: DatabaseTime
    private let before: ContinuousClock.Instant
    private let after: ContinuousClock.Instant
    private let shift = Mutex(Shift())

    init(_ database: TrackingDatabase) async throws {
        connection = PostgresConnection(try database.login)
        _ = try await connection.run("SELECT 1")
        before = .now
        let rows = try await connection.run("SELECT public.ingestion_iso(public.ingestion_clock())")
        after = .now
        shown = try #require(rows.first?.first?.flatMap { DatabaseTime(text: $0) })
    }

    var earliest: DatabaseTime { shown + (after.duration(to: .now) + shift.withLock { $0.least }) }
    var latest: DatabaseTime { shown + (before.duration(to: .now) + shift.withLock { $0.most }) }

    func advance(by duration: Duration) async throws {
        guard duration > .zero else { return await Task.yield() }
        shift.withLock { $0.most += duration }
        let micros = duration / .microseconds(1)
        _ = try await connection.run("UPDATE public.test_clock SET shift = shift + \(micros) * interval '1 us'")
        shift.withLock { $0.least += duration }
    }
}
