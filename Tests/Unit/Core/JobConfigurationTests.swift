import Migration
import Testing

@Suite struct JobConfigurationTests {
    @Test func `the hash depends on every value and on nothing else`() {
        let base = JobConfiguration(values: ["model": "a", "table": "t"])
        #expect(base.hash == JobConfiguration(values: ["table": "t", "model": "a"]).hash)
        #expect(base.hash != JobConfiguration(values: ["model": "b", "table": "t"]).hash)
        #expect(base.hash.count == 64)
    }

    @Test func `values cannot be moved between names without changing the hash`() {
        let crlf = JobConfiguration(values: ["a": "1\r\nb=\u{338}"])
        #expect(crlf.hash != JobConfiguration(values: ["a": "1\r", "b": "\u{338}"]).hash)
        let one = JobConfiguration(values: ["a": "1\nb=2"])
        let other = JobConfiguration(values: ["a": "1", "b": "2"])
        #expect(one.hash != other.hash)
    }

    @Test func `differences are named, and the limit is none of them`() {
        let ours = JobConfiguration(values: ["model": "a", "table": "t", "new": "1"])
        let stored = ["model": "b", "table": "t", "old": "2", JobConfiguration.limitKey: "10"]
        #expect(ours.differences(from: stored).map(\.name) == ["model", "new", "old"])
        #expect(ours.differences(from: ours.stored(limit: 5)).isEmpty)
    }
}
