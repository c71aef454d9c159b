import Migration
import Testing

@Suite struct LeaseTrustTests {
    @Test func `a lease shorter than the margin can still be worked under`() {
        let trust = LeaseTrust(sent: .zero, lease: .seconds(2), deadline: .seconds(600))
        #expect(trust.mayWrite(at: .seconds(1)))
        #expect(!trust.mayWrite(at: .milliseconds(1600)))
    }

    @Test func `a lease is trusted from when the claim was sent, less a margin`() {
        let trust = LeaseTrust(sent: .seconds(10), lease: .seconds(120), deadline: .seconds(600))
        #expect(trust.mayWrite(at: .milliseconds(124_999)))
        #expect(!trust.mayWrite(at: .seconds(125)))
    }

    @Test func `a heartbeat extends the trust and an overtaken one never shortens it`() {
        var trust = LeaseTrust(sent: .zero, lease: .seconds(120), deadline: .seconds(600))
        trust.extend(sent: .seconds(60), lease: .seconds(120))
        trust.extend(sent: .seconds(30), lease: .seconds(120))
        #expect(trust.mayWrite(at: .seconds(174)))
        #expect(!trust.mayWrite(at: .seconds(175)))
    }

    @Test func `nothing is started in the last minute before the deadline`() {
        let trust = LeaseTrust(sent: .zero, lease: .seconds(120), deadline: .seconds(600))
        #expect(trust.mayStart(at: .milliseconds(539_999)))
        #expect(!trust.mayStart(at: .seconds(540)))
        #expect(LeaseTrust(sent: .zero, lease: .seconds(8), deadline: .seconds(30)).mayStart(at: .seconds(14)))
    }
}
