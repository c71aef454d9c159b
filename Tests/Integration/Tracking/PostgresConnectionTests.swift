import Foundation
import Migration
import Settings
import Testing

@testable import Adapters

@Suite(.needs(.postgres)) struct `A PostgreSQL connection` {
    private static func connection(_ change: (inout URLComponents) -> Void) throws -> PostgresConnection {
        let server = try #require(TestEnvironment.postgres)
        var parts = try #require(URLComponents(string: server.url))
        change(&parts)
        return PostgresConnection(try PostgresLogin(Secret(try #require(parts.string)), allowsPlaintext: false))
    }

    @Test func `is opened again after the server closed it while it was idle`() async throws {
        let one = try Self.connection { _ in }
        let pid = try #require(try await one.run("SELECT pg_backend_pid()").first?.first ?? nil)
        let killer = try Self.connection { _ in }
        _ = try await killer.run("SELECT pg_terminate_backend(\(pid), 5000)")
        let next = try #require(try await one.run("SELECT pg_backend_pid()").first?.first ?? nil)
        #expect(next != pid)
    }

    @Test func `that breaks in mid call tells that the outcome is unknown, and works again`() async throws {
        let one = try Self.connection { _ in }
        let pid = try #require(try await one.run("SELECT pg_backend_pid()").first?.first ?? nil)
        let killer = try Self.connection { _ in }
        let failure = try await withThrowingTaskGroup(of: PortFailure?.self) { group in
            group.addTask { await trackingFailure { _ = try await one.run("SELECT pg_sleep(20)") } }
            var asleep: [[String?]] = []
            while asleep.isEmpty {
                asleep = try await killer.run(
                    "SELECT 1 FROM pg_stat_activity WHERE pid = \(pid) AND query LIKE '%pg_sleep(20)%' AND state = 'active'"
                )
            }
            _ = try await killer.run("SELECT pg_terminate_backend(\(pid))")
            return try await group.next() ?? nil
        }
        // The server says 57P01 where it still can; the statement is then undone.
        #expect(failure?.kind == .outcomeUnknown || failure?.code == "57P01")
        #expect(try await one.run("SELECT 1") == [["1"]])
    }

    @Test func `gives up a statement that takes too long`() async throws {
        let server = try #require(TestEnvironment.postgres)
        let login = try PostgresLogin(Secret(server.url), allowsPlaintext: false)
        let one = PostgresConnection(login, .init(statement: .milliseconds(100)))
        let failure = await trackingFailure { _ = try await one.call("SELECT pg_sleep(20)") }
        #expect(failure?.code == "57014")
        #expect(failure?.kind == .unavailable)
        #expect(try await one.run("SELECT 1") == [["1"]])
    }

    @Test func `ends at once when its task is cancelled`() async throws {
        let one = try Self.connection { _ in }
        _ = try await one.run("SELECT 1")
        let failure = await withTaskGroup(of: PortFailure?.self) { group in
            group.addTask { await trackingFailure { _ = try await one.run("SELECT pg_sleep(7)") } }
            group.cancelAll()
            return await group.next() ?? nil
        }
        #expect(failure?.kind == .cancelled)
        #expect(try await one.run("SELECT 1") == [["1"]])
    }

    @Test func `with a wrong password says so, and not which`() async throws {
        let one = try Self.connection { $0.password = "hunter2" }
        let failure = await trackingFailure { _ = try await one.run("SELECT 1") }
        #expect(failure?.kind == .unauthorised)
        #expect(failure?.code == "28P01")
        #expect(failure?.detail.contains("hunter2") == false)
    }

    @Test func `to a database that is not there says so`() async throws {
        let one = try Self.connection { $0.path = "/no_such_database" }
        let failure = await trackingFailure { _ = try await one.run("SELECT 1") }
        #expect(failure?.kind == .unauthorised)
        #expect(failure?.detail.contains("no_such_database") == true)
    }

    /// 53300: a person need do nothing, and the next try may find a place.
    @Test func `to a server that has no place left is unavailable`() async throws {
        let role = "tracking_busy_" + String(UInt32.random(in: 0...(.max)))
        let one = try Self.connection { _ in }
        _ = try await one.run("CREATE ROLE \(role) LOGIN PASSWORD 'busy-password' CONNECTION LIMIT 0")
        let crowded = try Self.connection { ($0.user, $0.password) = (role, "busy-password") }
        let failure = await trackingFailure { _ = try await crowded.run("SELECT 1") }
        #expect(failure?.code == "53300")
        #expect(failure?.kind == .unavailable)
        _ = try await one.run("ALTER ROLE \(role) CONNECTION LIMIT 1")
        #expect(try await crowded.run("SELECT 1") == [["1"]])
        _ = try await one.run("DROP ROLE \(role)")
    }

    @Test func `refuses a certificate of an authority it was not told of`() async throws {
        let stranger = try #require(TestEnvironment.postgres).strangerAuthority
        let one = try Self.connection {
            $0.queryItems = [.init(name: "sslmode", value: "verify-full"), .init(name: "sslrootcert", value: stranger)]
        }
        let failure = await trackingFailure { _ = try await one.run("SELECT 1") }
        #expect(failure?.kind == .unauthorised)
        #expect(failure?.detail.contains("certificate") == true)
    }

    @Test func `to a port where nobody listens is unavailable`() async throws {
        let one = try Self.connection { $0.port = 1 }
        let failure = await trackingFailure { _ = try await one.run("SELECT 1") }
        #expect(failure?.kind == .unavailable)
    }

    @Test func `carries a megabyte of parameters there and back`() async throws {
        let one = try Self.connection { _ in }
        let text = String(repeating: "字😀\"'\\\n", count: 80_000)
        #expect(try await one.run("SELECT $1::text, $2::text", [text, nil]) == [[text, nil]])
    }
}
