import Foundation
import Migration
import Synchronization
import Testing

@testable import Adapters

@Suite struct `A tracking store of unknown version` {
    /// Answers `schema_version` as it is told, one answer after the other, and everything else with `{}`, as soon as it has
    /// not been found for some times.
    private final class Installed: RPCTransport {
        let called = Mutex<[String]>([])
        private let answers: Mutex<[Result<String, PortFailure>]>
        private let misses: Mutex<Int>
        private let code: String

        init(_ answers: [Result<String, PortFailure>], misses: Int = 0, code: String = "PGRST202") {
            self.answers = Mutex(answers)
            self.misses = Mutex(misses)
            self.code = code
        }

        func call(_ function: String, _ parameters: Data) async throws(PortFailure) -> Data {
            called.withLock { $0.append(function) }
            guard function == SchemaVersion.function else {
                let isMissed = misses.withLock { misses in
                    misses -= 1
                    return misses >= 0
                }
                if isMissed { throw PortFailure(sqlState: code, message: "not found") }
                return Data("{}".utf8)
            }
            return Data(try answers.withLock { $0.removeFirst() }.get().utf8)
        }
    }

    private static let ours = #"{"version":4,"min_client":2,"since":"a later version may say more"}"#
    private static let newer = #"{"version":5,"min_client":2}"#

    @Test(arguments: [ours, newer]) func `is asked for it once, before the first call`(answer: String) async throws {
        let installed = Installed([.success(answer)])
        let transport = CheckedTransport(installed, time: Time(FastClock()))
        for function in ["claim_next_batch", "finish_batch"] { _ = try await transport.call(function, Data()) }
        #expect(installed.called.withLock(\.self) == ["schema_version", "claim_next_batch", "finish_batch"])
    }

    @Test(arguments: [
        (#"{"version":3,"min_client":2}"#, "is version 3, this program needs 4: run `migrate setup`"),
        (#"{"version":5,"min_client":5}"#, "is version 5, too new for this program (4): use a newer migrate"),
        (#"{"version":"one"}"#, "another program's function schema_version() is in the way: rename it"),
    ])
    func `is not called when it is not the one we know`(answer: String, problem: String) async throws {
        let installed = Installed([.success(answer), .success(answer)])
        let transport = CheckedTransport(installed, time: Time(FastClock()))
        for _ in 1...2 {
            let failure = await #expect(throws: PortFailure.self) {
                _ = try await transport.call("open_ingestion_job", Data())
            }
            #expect(failure?.kind == .rejected)
            #expect(failure?.detail.hasSuffix(problem) == true)
        }
        #expect(installed.called.withLock(\.self) == ["schema_version", "schema_version"])
    }

    @Test func `is asked again when it did not answer`() async throws {
        let installed = Installed([.failure(PortFailure(.unavailable, "away")), .success(Self.ours)])
        let transport = CheckedTransport(installed, time: Time(FastClock()))
        let failure = await #expect(throws: PortFailure.self) {
            _ = try await transport.call("claim_next_batch", Data())
        }
        #expect(failure?.kind == .unavailable)
        _ = try await transport.call("claim_next_batch", Data())
        #expect(installed.called.withLock(\.self) == ["schema_version", "schema_version", "claim_next_batch"])
    }

    @Test(arguments: [
        ("PGRST202", 4, 5, true), ("42883", 4, 5, true), ("PGRST202", 5, 5, false), ("22023", 1, 1, false),
    ])
    func `that was there before is given ten seconds to be found again`(
        code: String,
        misses: Int,
        calls: Int,
        isAnswered: Bool
    ) async {
        let installed = Installed([.success(Self.ours)], misses: misses, code: code)
        let transport = CheckedTransport(installed, time: Time(FastClock()))
        var failure: PortFailure?
        do throws(PortFailure) { _ = try await transport.call("finish_batch", Data()) } catch { failure = error }
        #expect((failure == nil) == isAnswered)
        #expect(isAnswered || failure?.code == code)
        #expect(installed.called.withLock(\.self).count { $0 == "finish_batch" } == calls)
    }

    @Test func `that was never there is not waited for`() async {
        let installed = Installed([.failure(PortFailure(sqlState: "PGRST202", message: "not found"))])
        let transport = CheckedTransport(installed, time: Time(FastClock()))
        let failure = await #expect(throws: PortFailure.self) { _ = try await transport.call("finish_batch", Data()) }
        #expect(failure?.detail.contains("migrate setup") == true)
        #expect(installed.called.withLock(\.self) == ["schema_version"])
    }
}
