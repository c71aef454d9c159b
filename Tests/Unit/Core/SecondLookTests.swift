import Migration
import Testing

@Suite struct SecondLookTests {
    @Test func `the work of the batch counts towards the gap`() {
        var look = SecondLook()
        #expect(look.wait(since: .seconds(10), at: .seconds(12)) == .seconds(3))
        #expect(look.wait(since: .seconds(10), at: .seconds(15)) == .zero)
        #expect(look.wait(since: .seconds(10), at: .seconds(900)) == .zero)
    }

    @Test func `a table with deleted rows in every batch costs minutes, not hours`() {
        var look = SecondLook()
        var now = Duration.zero
        var waited = Duration.zero
        // 10,000 batches whose other records are unchanged: a twentieth of a second of work each.
        for _ in 0..<10_000 {
            let wait = look.wait(since: now, at: now + .milliseconds(50))
            waited += wait
            now += .milliseconds(50) + wait
        }
        #expect(waited > .seconds(300))
        #expect(waited <= .seconds(300) + now / 20)
        #expect(now < .seconds(15 * 60), "without a limit it would be 14 hours")
    }

    @Test func `a row that was late makes waiting worth its time again`() {
        var look = SecondLook()
        for _ in 0..<1_000 { _ = look.wait(since: .seconds(1), at: .seconds(1)) }
        #expect(look.wait(since: .seconds(1), at: .seconds(1)) == .zero)
        look.foundLateRow()
        #expect(look.wait(since: .seconds(1), at: .seconds(1)) == .seconds(5))
    }

    @Test func `more than one of a hundred is many`() {
        #expect(!SecondLook.suggestsLag(missing: 0, of: 100))
        #expect(!SecondLook.suggestsLag(missing: 1, of: 100))
        #expect(SecondLook.suggestsLag(missing: 2, of: 100))
        #expect(!SecondLook.suggestsLag(missing: 0, of: 1))
        #expect(SecondLook.suggestsLag(missing: 1, of: 10))
        #expect(!SecondLook.suggestsLag(missing: 10, of: 1_000))
        #expect(SecondLook.suggestsLag(missing: 11, of: 1_000))
    }
}
