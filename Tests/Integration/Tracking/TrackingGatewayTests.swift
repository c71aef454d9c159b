import Foundation
import Migration
import Settings
import Testing

@testable import Adapters

@Suite(.needs(.postgres)) struct `Tracking through the PostgREST gateway` {
    /// A database with a gateway in front of it.
    private static func use(_ body: (TrackingDatabase, PostgRESTGateway) async throws -> Void) async throws {
        try await TrackingDatabase.use { database in
            let gateway = try await PostgRESTGateway.start(database.authenticator)
            do { try await body(database, gateway) } catch {
                await gateway.stop()
                throw error
            }
            await gateway.stop()
        }
    }

    private static func transport(_ gateway: PostgRESTGateway, _ key: String) throws -> PostgRESTTransport {
        try PostgRESTTransport(url: gateway.url, key: Secret(key), exchange: try CurlClient())
    }

    @Test(arguments: [PostgRESTGateway.Key.secret, PostgRESTGateway.Key.serviceRole])
    func `works with both kinds of keys`(key: String) async throws {
        try await Self.use { _, gateway in
            let transport = try Self.transport(gateway, key)
            let inspection = try await transport.inspection()
            #expect(inspection.problems.isEmpty)
            let ids: [RecordID] = [.min, 1_823_456_789_012_345_679, .max]
            let plan = try await PlannedJob.make(RPCJobStore(transport), batches: [ids])
            let (claim, batches) = try await plan.claim()
            let batch = try #require(batches.first)
            #expect(batch.recordIds == ids)
            #expect(try await plan.complete(batch, claim).result == .applied)
            #expect(try await plan.complete(batch, claim).result == .duplicate)
            let stats = try await plan.exactStats()
            #expect(stats.processed == 3)
            #expect(stats.equal == true)
        }
    }

    @Test func `refuses the roles of the browser even when a client sends their keys`() async throws {
        try await Self.use { _, gateway in
            let exchange = try CurlClient()
            for key in [
                PostgRESTGateway.Key.publishable, PostgRESTGateway.Key.anon, PostgRESTGateway.Key.authenticated,
            ] {
                let response = try await exchange.send(
                    HTTPRequest(
                        .post,
                        gateway.url + "/rest/v1/rpc/schema_version",
                        headers: ["apikey": key, "Content-Type": "application/json"],
                        body: Array("{}".utf8)
                    )
                )
                let failure = PostgRESTError.failure(of: response)
                #expect(failure?.code == "42501")
                #expect(failure?.kind == .unauthorised)
            }
        }
    }

    @Test func `refuses an unknown key`() async throws {
        try await Self.use { _, gateway in
            let transport = try Self.transport(gateway, "sb_secret_other")
            let failure = await trackingFailure { _ = try await transport.inspection() }
            #expect(failure?.kind == .unauthorised)
            #expect(failure?.detail.contains("sb_secret_other") == false)
        }
    }

    @Test func `tells a missing function from a caller's bug`() async throws {
        try await Self.use { database, gateway in
            let transport = try Self.transport(gateway, PostgRESTGateway.Key.secret)
            let bug = await trackingFailure {
                _ = try await RPCJobStore(transport).resetStuck(ResetStuckBatches(job: 1, limit: 0, full: true))
            }
            #expect(bug?.kind == .rejected)
            #expect(bug?.code == "22023")
            let missing = await trackingFailure { _ = try await transport.call("no_such", Data("{}".utf8)) }
            #expect(missing?.code == "PGRST202")
            #expect(missing?.detail.contains("migrate setup") == true)
        }
    }

    @Test func `calls contention what may be tried again at once`() async throws {
        try await Self.use { database, gateway in
            let store = RPCJobStore(try Self.transport(gateway, PostgRESTGateway.Key.secret))
            let plan = try await PlannedJob.make(store, batches: [[1]])
            let blocker = PostgresConnection(try database.login)
            _ = try await blocker.run("BEGIN; SELECT 1 FROM public.ingestion_job WHERE id = \(plan.job) FOR UPDATE")
            let failure = await trackingFailure {
                _ = try await store.control(ControlIngestionJob(job: plan.job, action: .pause, reason: nil))
            }
            #expect(failure?.code == "55P03")
            #expect(failure?.kind == .unavailable)
            _ = try await blocker.run("ROLLBACK")
            let paused = try await store.control(ControlIngestionJob(job: plan.job, action: .pause, reason: nil))
            #expect(paused.result == .applied)
        }
    }

    @Test func `is unavailable or unknown when the gateway is gone`() async throws {
        let database = try await TrackingDatabase.make()
        let gateway = try await PostgRESTGateway.start(database.authenticator)
        await gateway.stop()
        let transport = try Self.transport(gateway, PostgRESTGateway.Key.secret)
        let failure = await trackingFailure { _ = try await transport.inspection() }
        #expect(failure?.kind == .unavailable || failure?.kind == .outcomeUnknown)
        try await database.drop()
    }
}
