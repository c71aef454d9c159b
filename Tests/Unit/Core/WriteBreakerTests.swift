import Migration
import Testing

@Suite struct WriteBreakerTests {
    private final class Work: Sendable {}
    private let first = Work()
    private let second = Work()

    @Test func `lets everything pass until a write fails, and again when one succeeds`() {
        var breaker = WriteBreaker()
        #expect(breaker.wait(of: first, at: .zero) == nil)
        breaker.failed(at: .seconds(1))
        #expect(breaker.wait(of: first, at: .seconds(1)) == .seconds(1), "asked again each second")
        #expect(breaker.wait(at: .seconds(15.5)) == .milliseconds(500))
        breaker.succeeded()
        #expect(breaker.wait(of: first, at: .seconds(2)) == nil)
    }

    @Test func `lets one find out at a time, later each time`() {
        var breaker = WriteBreaker()
        breaker.failed(at: .zero)
        breaker.failed(at: .seconds(10))
        #expect(breaker.wait(at: .seconds(24)) != nil, "another writer found the same")
        var now = Duration.seconds(25)
        for rest in [30, 60, 60] {
            #expect(breaker.wait(of: first, at: now) == nil)
            #expect(breaker.wait(of: second, at: now) != nil)
            #expect(breaker.wait(of: first, at: now) == nil, "it goes on with its next request")
            breaker.failed(at: now)
            #expect(breaker.wait(at: now + .seconds(rest) - .seconds(1)) != nil)
            now += .seconds(rest)
            #expect(breaker.wait(at: now) == nil)
        }
    }

    @Test func `a write that ends late does not shorten the rest after a probe`() {
        var breaker = WriteBreaker()
        breaker.failed(at: .zero)
        #expect(breaker.wait(of: first, at: .seconds(15)) == nil)
        breaker.failed(at: .seconds(15))
        breaker.failed(at: .seconds(16))
        #expect(breaker.wait(at: .seconds(44)) != nil)
        #expect(breaker.wait(at: .seconds(45)) == nil)
    }

    @Test func `a probe that has written lets everybody go on, and the next outage begins anew`() {
        var breaker = WriteBreaker()
        breaker.failed(at: .zero)
        #expect(breaker.wait(of: first, at: .seconds(15)) == nil)
        breaker.failed(at: .seconds(15))
        #expect(breaker.wait(of: first, at: .seconds(45)) == nil)
        breaker.succeeded()
        #expect(!breaker.isStopped)
        #expect(breaker.wait(at: .seconds(45)) == nil, "to claim")
        for _ in 0..<3 { #expect(breaker.wait(of: Work(), at: .seconds(45)) == nil, "to pay, each new piece of work") }
        breaker.failed(at: .seconds(46))
        #expect(breaker.wait(at: .seconds(60)) != nil)
        #expect(breaker.wait(at: .seconds(61)) == nil, "the rest is the shortest again")
    }

    @Test func `takes no later work for the probe, wherever in memory it is`() {
        var breaker = WriteBreaker()
        breaker.failed(at: .zero)
        #expect(breaker.wait(of: Work(), at: .seconds(15)) == nil, "a probe that ends at once")
        for _ in 0..<100 { #expect(breaker.wait(of: Work(), at: .seconds(16)) != nil) }
    }

    @Test func `gives up a probe that writes nothing`() {
        var breaker = WriteBreaker()
        breaker.failed(at: .zero)
        #expect(breaker.wait(of: first, at: .seconds(15)) == nil)
        #expect(breaker.wait(of: second, at: .seconds(74)) != nil)
        #expect(breaker.wait(of: second, at: .seconds(75)) == nil)
        #expect(breaker.wait(of: first, at: .seconds(75)) != nil)
    }
}
