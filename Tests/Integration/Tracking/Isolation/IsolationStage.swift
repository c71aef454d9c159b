import Migration
import Synchronization
import Testing

@testable import Adapters

/// A few connections that make one call each, in a given order of steps, and one that sees which of them waits for
/// which.
///
/// Nothing is timed: a step is over when its call was answered or the server says that it waits for another
/// transaction. A commit whose call still waits comes as soon as that has its answer.
final class IsolationStage: Sendable {
    private struct Session: Sendable {
        let connection: PostgresConnection
        let pid: String
    }

    /// A call under way.
    private final class Call: Sendable {
        private let answer = Mutex<String?>(nil)

        init(_ sql: String, _ connection: PostgresConnection) {
            Task {
                let text: String
                do { text = try await connection.run("BEGIN; \(sql)").first?.first?.flatMap(\.self) ?? "nothing" } catch
                {
                    text = "error \((error as? PortFailure)?.code ?? "\(error)")"
                }
                answer.withLock { $0 = text }
            }
        }

        var result: String? { answer.withLock { $0 } }
    }

    private let sessions: [Session]
    private let observer: PostgresConnection

    /// Connects; a group has at most three transactions.
    init(_ database: TrackingDatabase) async throws {
        observer = PostgresConnection(try database.login)
        var sessions: [Session] = []
        for _ in 0..<3 {
            let connection = PostgresConnection(try database.login, .init(statement: .seconds(40)))
            let pid = try #require(try await connection.run("SELECT pg_backend_pid()").first?.first ?? nil)
            sessions.append(Session(connection: connection, pid: pid))
        }
        self.sessions = sessions
    }

    /// Plays an order of steps, of all or of some transactions, on a new scene.
    func play(_ group: IsolationGroup, _ order: [Int]) async throws -> IsolationReport {
        let job = try #require(Int(try await observer.run(group.scene.sql).first?.first.flatMap(\.self) ?? ""))
        for call in group.before { _ = try await observer.run(call.sql(job: job)) }
        var report = IsolationReport(job: JobID(job))
        var calls: [Int: Call] = [:]
        var due: Set<Int> = []
        for step in order + [nil] {
            if let step, calls[step] == nil {
                report.begun.append((step, after: report.committed))
                calls[step] = Call(group.calls[step].sql(job: job), sessions[step].connection)
            } else if let step {
                due.insert(step)
            }
            repeat {
                // A commit lets others go on, whose own commits may be due.
                for ready in due.sorted() where report.answers[ready] != nil && !report.committed.contains(ready) {
                    _ = try await sessions[ready].connection.run("COMMIT")
                    report.committed.append(ready)
                }
                for (running, call) in calls where report.answers[running] == nil {
                    report.answers[running] = try await settled(call, sessions[running])
                    if report.answers[running] == nil { report.waited.insert(running) }
                }
            } while due.contains { report.answers[$0] != nil && !report.committed.contains($0) }
                || step == nil && report.committed.count < Set(order).count
        }
        report.state = try #require(try await observer.run(IsolationScene.endSQL(job: job)).first?.first ?? nil)
        return report
    }

    /// The answer of a call, or nil as soon as it waits for another transaction.
    private func settled(_ call: Call, _ session: Session) async throws -> String? {
        while call.result == nil {
            let isBlocked = try await observer.run("SELECT cardinality(pg_blocking_pids(\(session.pid))) > 0")
            if isBlocked == [["t"]] { return call.result }
        }
        return call.result
    }
}

/// How one order of steps came out; transactions are named by their place in the group.
struct IsolationReport: Sendable {
    let job: JobID
    /// By transaction.
    var answers: [Int: String] = [:]
    var state = ""
    /// Which were begun, each with those that had been committed before.
    var begun: [(Int, after: [Int])] = []
    /// In the order of their commits.
    var committed: [Int] = []
    /// Those that waited for another transaction.
    var waited: Set<Int> = []
}
