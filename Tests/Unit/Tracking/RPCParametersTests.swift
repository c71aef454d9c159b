import Foundation
import Migration
import Testing

@testable import Adapters

@Suite struct `Parameters of a tracking call` {
    @Test func `are split without touching a number`() throws {
        let json = #" {"p_big":9223372036854775807 , "p_low": -9223372036854775808,"p_half":0.975,"p_yes":true}"#
        let all = try RPCParameters(Data(json.utf8)).all
        #expect(all.map(\.name) == ["p_big", "p_low", "p_half", "p_yes"])
        #expect(all.map(\.text) == ["9223372036854775807", "-9223372036854775808", "0.975", "true"])
    }

    @Test func `unquote strings, pass null as NULL and keep objects and lists verbatim`() throws {
        let json = #"{"p_a":"x\"y\\z\né😀","p_b":null,"p_c":{"k":[1,{"s":"],}"}]},"p_d":[],"p_e":""}"#
        let all = try RPCParameters(Data(json.utf8)).all
        #expect(all.map(\.text) == ["x\"y\\z\né😀", nil, #"{"k":[1,{"s":"],}"}]}"#, "[]", ""])
    }

    @Test func `become named arguments`() throws {
        #expect(try RPCParameters(Data("{}".utf8)).expression("schema_version") == "public.schema_version()")
        let two = try RPCParameters(Data(#"{"p_job":1,"p_x":2}"#.utf8))
        #expect(try two.expression("f") == "public.f(p_job => $1, p_x => $2)")
    }

    @Test(arguments: [
        "", "[]", "{", #"{"p_a"}"#, #"{"p_a":}"#, #"{"p_a":1"#, #"{"p_a":1,}"#, #"{"p_a":"x}"#, #"{"p a":1}"#,
        #"{"p_a) --":1}"#, #"{"p_a":1} x"#, #"{"p_a":"\u0000"}"#, #"{1:2}"#,
    ])
    func `are refused when they are not an object of ours`(json: String) {
        #expect(throws: PortFailure.self) { try RPCParameters(Data(json.utf8)) }
    }

    @Test func `leave no room for SQL in a function's name`() throws {
        let none = try RPCParameters(Data("{}".utf8))
        for name in ["", "f()", "f; drop", "F", "é"] {
            #expect(throws: PortFailure.self) { try none.expression(name) }
        }
    }

    @Test func `come back from every call as they were, dictionary keys untouched`() throws {
        let call = OpenIngestionJob(
            targetKey: "t",
            configHash: "h",
            config: ["chunkSize": "300", "p_x": "y", "snake_case": "z"],
            settings: JobSettings(maxRetries: 3, leaseSeconds: 120, batchTimeoutSeconds: 600),
            controllerId: "me",
            token: "11111111-1111-4111-8111-111111111111",
            start: true
        )
        let json = try TrackingJSON.encode(call)
        let config = try #require(try RPCParameters(json).all.first { $0.name == "p_config" }?.text)
        #expect(config == #"{"chunkSize":"300","p_x":"y","snake_case":"z"}"#)
        #expect(try TrackingJSON.decodeCall(OpenIngestionJob.self, from: json) == call)
    }
}
