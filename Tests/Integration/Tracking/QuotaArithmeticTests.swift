import Conformance
import Foundation
import Migration
import Testing

@testable import Adapters
@testable import Fakes

/// Thousands of drawn states of a quota: the SQL and the fake must agree on each, to the microsecond.
@Suite(.needs(.postgres)) struct `Quota arithmetic on PostgreSQL` {
    /// One call and what it answered and left of the row, in one line.
    private struct Drawn: Encodable {
        let at: Int64
        var cost: Int?
        var maxWaitMs: Int?
        var report: QuotaReport?
        var result = ""

        enum CodingKeys: String, CodingKey { case at, cost, maxWaitMs, report }
    }

    /// Performs a list of calls on an empty table, each at its moment, and tells of each what `Drawn.result` does.
    private static let performer = """
        CREATE FUNCTION public.test_us(p_at timestamptz) RETURNS text LANGUAGE sql IMMUTABLE AS $$
            SELECT CASE WHEN isfinite(p_at) THEN (extract(epoch FROM p_at) * 1000000)::bigint::text ELSE '-' END
        $$;
        CREATE FUNCTION public.test_quota(p_calls jsonb) RETURNS SETOF text LANGUAGE plpgsql AS $$
        DECLARE
            c jsonb;
            a jsonb;
        BEGIN
            DELETE FROM public.ingestion_quota;
            FOR c IN SELECT value FROM jsonb_array_elements(p_calls) LOOP
                UPDATE public.test_moment
                SET now = timestamptz '2026-01-01T00:00:00Z' + (c ->> 'at')::bigint * interval '1 us';
                IF c ? 'report' THEN
                    a := public.report_quota('q', c -> 'report');
                ELSE
                    a := public.reserve_quota('q', (c ->> 'cost')::bigint, (c ->> 'max_wait_ms')::bigint);
                END IF;
                RETURN NEXT (
                    SELECT concat_ws(' ', a ->> 'granted', a ->> 'wait_ms', a ->> 'pause_ms', a ->> 'share', 'row',
                        public.test_us(q.tokens_arrival_at), public.test_us(q.requests_arrival_at),
                        public.test_us(q.pause_until), public.test_us(q.cut_at), q.share)
                    FROM public.ingestion_quota q);
            END LOOP;
        END
        $$
        """

    /// The calls of a seed, with the fake's results.
    private static func drawn(seed: UInt64, calls: Int) async throws -> [Drawn] {
        let (dice, clock) = (Dice(seed), SteppedClock())
        let fake = FakeSupabase(time: Time(clock), entropy: dice)
        var drawn: [Drawn] = []
        // Absurd numbers cause long waits: a fifth of the seeds has them.
        let isOdd = seed.isMultiple(of: 5)
        for number in 0..<calls {
            // Mostly so soon that there is a wait; now and then long enough for a cut to be forgiven.
            let micros = dice.below(dice.oneIn(3) ? 1_000_000 : 1000)
            clock.advance(by: .microseconds(micros) + .seconds(dice.oneIn(10) ? dice.below(20) : 0))
            var call = Drawn(at: clock.now.offset.wholeMicroseconds)
            if number == 0 || dice.oneIn(6) {
                let report = report(dice, isOdd: isOdd)
                call.report = report
                let answer = try await fake.reportQuota(ReportQuota(quota: "q", report: report))
                call.result = "\(answer.pauseMs) \(answer.share)"
            } else {
                var cost = dice.below(dice.oneIn(4) ? 100_000 : 3000)
                var wait = dice.below(dice.oneIn(2) ? 90_000 : 300)
                if isOdd, dice.oneIn(10) { cost = dice.oneIn(2) ? 1 << 62 : .max }
                if isOdd, dice.oneIn(4) { wait = dice.oneIn(2) ? 1 << 62 : .max }
                (call.cost, call.maxWaitMs) = (cost, wait)
                let answer = try await fake.reserveQuota(ReserveQuota(quota: "q", cost: cost, maxWaitMs: wait))
                call.result = "\(answer.granted) \(answer.waitMs)"
            }
            let row = try #require(fake.snapshot().tables.quotas["q"])
            let times = [row.tokensArrival, row.requestsArrival, row.pauseUntil, row.cutAt].map {
                $0.map { String($0.microseconds) } ?? "-"
            }
            call.result += " row \(times.joined(separator: " ")) \(row.cutShare)"
            drawn.append(call)
        }
        return drawn
    }

    /// Limits as providers state them and odd ones; 0 is unknown.
    private static func report(_ dice: Dice, isOdd: Bool) -> QuotaReport {
        let tokens = [0, 40_000, 2_000_000, dice.below(5_000_000)] + (isOdd ? [1, .max] : [])
        let waits = [dice.below(3000)] + (isOdd ? [86_400_000, 150_000, .max] : [])
        return QuotaReport(
            tokensPerMinute: dice.oneIn(2) ? nil : dice.pick(tokens),
            requestsPerMinute: dice.oneIn(2) ? nil : dice.pick([0, 500, 10_000, dice.below(10_000)]),
            throttledMs: dice.oneIn(2) ? nil : dice.pick(waits),
            resumed: dice.oneIn(8) ? true : nil
        )
    }

    @Test func `is the fake's`() async throws {
        try await TrackingDatabase.use { database in
            try await database.makeTimeReplayable()
            let connection = PostgresConnection(try database.login)
            _ = try await connection.run(Self.performer)
            let seeds = 1...UInt64(historyCount(reduced: 10) * 10)
            var waits = 0
            for seed in seeds {
                let drawn = try await Self.drawn(seed: seed, calls: 100)
                let calls = String(decoding: try TrackingJSON.encodeAnswer(drawn), as: UTF8.self)
                let results = try await connection.run("SELECT public.test_quota($1::text::jsonb)", [calls])
                #expect(results.count == drawn.count)
                for (index, (call, result)) in zip(drawn, results).enumerated() where result != [call.result] {
                    Issue.record("seed \(seed), call \(index): \(call)\ngot \(result)")
                    return
                }
                waits += drawn.count { $0.result.hasPrefix("true") && !$0.result.hasPrefix("true 0 ") }
            }
            print("\(seeds.count * 100) quota calls, \(waits) told to wait: the same to the microsecond")
            #expect(waits > 1000)
        }
    }
}
