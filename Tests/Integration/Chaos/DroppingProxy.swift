import Foundation
import Invariants
import Migration
import Subprocess
import Testing

/// `dropping_proxy.py` between the program and PostgreSQL: loses answers, and writes down every call.
struct DroppingProxy: Sendable {
    let port: Int
    private let process: pid_t
    private let log: URL

    /// Starts one, lends it and ends it.
    static func use(
        seed: UInt64,
        _ server: PostgresServer,
        log: URL,
        _ body: (DroppingProxy) async throws -> Void
    ) async throws {
        let python = try #require(TestEnvironment.python)
        let target = try #require(URLComponents(string: server.url)?.port)
        let arguments = [
            python,
            TestEnvironment.pythonSources + "/dropping_proxy.py", "--target", "127.0.0.1:\(target)", "--log",
            log.path(),
            "--seed", "\(seed)",
        ]
        let ended = try await Subprocess.run(
            .name("env"),
            arguments: Arguments(arguments),
            input: .none,
            output: .sequence,
            error: .currentStandardError
        ) { process in
            var port: Int?
            for try await line in process.standardOutput.strings() {
                port = Int(line.filter(\.isNumber))
                break
            }
            let proxy = Self(port: try #require(port), process: process.processIdentifier.value, log: log)
            let result = await Result { try await body(proxy) }
            try process.send(signal: .terminate)
            return result
        }
        try ended.closureResult.get()
    }

    /// The address of a database by way of the proxy; without TLS, which would hide the calls from it.
    func address(of url: String) throws -> String {
        var parts = try #require(URLComponents(string: url))
        parts.host = "127.0.0.1"
        parts.port = port
        parts.queryItems = [URLQueryItem(name: "sslmode", value: "disable")]
        return try #require(parts.string)
    }

    func begin() { kill(process, SIGUSR1) }
    func calm() { kill(process, SIGUSR2) }
    func cut() { kill(process, SIGHUP) }

    /// Every call so far.
    func calls() throws -> [ProxiedCall] {
        try String(contentsOf: log, encoding: .utf8).split(separator: "\n").compactMap { try ProxiedCall(line: $0) }
    }
}

/// One line of the proxy's log.
struct ProxiedCall: Sendable {
    enum Fate: String, Sendable { case answered, dropped, lost, unknown, failed }

    let fate: Fate
    /// With the server's answer, also where its caller never saw it.
    let observed: ObservedCall

    /// Nil for a call that no check reads.
    init?(line: Substring) throws {
        let fields = line.split(separator: "\t", omittingEmptySubsequences: false).map(String.init)
        try #require(fields.count == 7, "\(line.prefix(200))")
        if Self.unchecked.contains(fields[4]) { return nil }
        fate = try #require(Fate(rawValue: fields[3]))
        let answer = fields[6].isEmpty || fate == .failed ? nil : Data(fields[6].utf8)
        let function = try #require(TrackingContract.call(of: fields[4]), "\(fields[4])")
        let (call, answered) = try Self.read(function, Data(fields[5].utf8), answer)
        observed = ObservedCall(
            call,
            answer: answered,
            began: try #require(Int(fields[0])),
            ended: Int(fields[1]),
            at: DatabaseTime(text: fields[2])
        )
    }

    /// Questions for the version, and what a runner tells of itself.
    private static let unchecked: Set<String> = [SchemaVersion.function, ReportRunner.function]

    private static func read<Call: TrackingCall>(
        _ type: Call.Type,
        _ parameters: Data,
        _ answered: Data?
    ) throws -> (any TrackingCall, RecordedAnswer?) {
        let answer = try answered.map { try TrackingJSON.decodeAnswer(Call.Answer.self, from: $0) }
        return (try TrackingJSON.decodeCall(type, from: parameters), answer.map { .given($0) })
    }
}

extension Result where Failure == any Error {
    fileprivate init(_ body: () async throws -> Success) async {
        do { self = .success(try await body()) } catch { self = .failure(error) }
    }
}
