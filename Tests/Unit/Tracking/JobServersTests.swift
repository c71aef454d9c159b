import Foundation
import Migration
import Testing

@Suite struct `The servers of a job` {
    @Test func `are sets in the order of their bytes`() {
        let servers = JobServers(source: ["z", "a", "Z", "a"], points: ["e\u{301}", "é"])
        #expect(servers.source == ["Z", "a", "z"])
        // Two spellings of one letter are two names to a server, and one text to Swift's `==`.
        #expect(servers.points.map { Array($0.utf8).count } == [3, 2])
        #expect(servers == JobServers(source: ["a", "z", "Z"], points: ["é", "e\u{301}"]))
    }

    @Test func `tell which of others they do not have, kind by kind`() {
        let known = JobServers(source: ["a", "b"], points: ["p"])
        let used = JobServers(source: ["b"], points: ["q", "p"], embedder: ["a"])
        #expect(used.subtracting(known) == JobServers(points: ["q"], embedder: ["a"]))
        #expect(!known.contains(used))
        #expect(known.union(used).contains(used) && known.union(used).contains(known))
        #expect(known.contains(JobServers()) && JobServers().isEmpty && !known.isEmpty)
        #expect(known.union(known) == known)
        // The server of one kind does not vouch for another kind.
        #expect(!JobServers(source: ["x"]).contains(JobServers(points: ["x"])))
    }

    @Test(arguments: [#"{}"#, #"{"points":[]}"#, #"{"later":["x"],"source":[]}"#])
    func `of a job of the version before, or of a later one, can be read`(json: String) throws {
        #expect(try TrackingJSON.decodeAnswer(JobServers.self, from: Data(json.utf8)) == JobServers())
    }

    @Test func `travel in the settings of the open call, and settings without them can be read`() throws {
        let servers = JobServers(source: ["h:1/d"])
        let settings = JobSettings(maxRetries: 1, leaseSeconds: 2, batchTimeoutSeconds: 3, servers: servers)
        let json = try TrackingJSON.encodeAnswer(settings)
        #expect(try TrackingJSON.decodeAnswer(JobSettings.self, from: json) == settings)
        var object = try #require(try JSONSerialization.jsonObject(with: json) as? [String: Any])
        object["servers"] = nil
        let without = try JSONSerialization.data(withJSONObject: object)
        #expect(try TrackingJSON.decodeAnswer(JobSettings.self, from: without).servers.isEmpty)
    }
}
