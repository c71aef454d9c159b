import Settings
import Testing

@Suite struct `A secret` {
    @Test func `cannot be printed, interpolated or dumped`() {
        let secret = Secret("hunter2")
        var dumped = ""
        dump([secret], to: &dumped)
        let all = "\(secret) \(String(reflecting: secret)) \(String(describing: [secret])) \(dumped)"
        #expect(!all.contains("hunter2"))
        #expect(all.contains("<redacted>"))
        #expect(secret.withExposedValue { $0 } == "hunter2")
    }
}
