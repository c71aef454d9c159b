import Migration
import Settings
import Testing

@testable import Adapters

private let servers = MySQLServer.atHand

@Suite(.needs(.mysql)) struct `TLS to MySQL` {
    @Test(arguments: servers) func `is encrypted and verified`(server: MySQLServer) async throws {
        try await MySQLTestDatabase.use(server) { database in
            try await database.makeTable()
            let product = try await database.source().inspection().product
            #expect(product.contains("TLSv1."))
        }
    }

    @Test(arguments: servers) func `refuses a certificate of an authority it was not told of`(
        server: MySQLServer
    ) async throws {
        try await MySQLTestDatabase.use(server) { database in
            let file = database.server.strangerAuthority
            let source = try database.source { $0.tls = .verify(ca: file) }
            let failure = await portFailure { try await source.highestID() }
            #expect(failure?.kind == .unauthorised)
            #expect(failure?.detail.contains(file) == true)
        }
    }

    @Test(arguments: servers) func `refuses a certificate this machine does not trust and names what is missing`(
        server: MySQLServer
    ) async throws {
        try await MySQLTestDatabase.use(server) { database in
            let source = try database.source { $0.tls = .verify(ca: nil) }
            let failure = await portFailure { try await source.highestID() }
            #expect(failure?.kind == .unauthorised)
            #expect(failure?.detail.contains("MYSQL_SSL_CA") == true)
        }
    }

    @Test(arguments: servers) func `refuses a certificate that carries another name`(server: MySQLServer) async throws {
        try await MySQLTestDatabase.use(server) { database in
            let host = database.server.otherHost
            let source = try database.source { $0.host = host }
            let failure = await portFailure { try await source.highestID() }
            #expect(failure?.kind == .unauthorised)
            #expect(failure?.detail.contains("does not name \(host)") == true)
        }
    }

    @Test func `refuses a server without TLS, and takes it when plain text was asked for`() async throws {
        let server = try #require(TestEnvironment.mysql)
        var options = MySQLOptions(
            host: server.plainHost,
            port: server.plainPort,
            user: server.user,
            password: Secret(server.password),
            database: "information_schema",
            table: "TABLES",
            tls: .verify(ca: server.authority)
        )
        let verifying = try MySQLRecordSource(options)
        let failure = await portFailure { try await verifying.inspection() }
        #expect(failure?.kind == .unauthorised)
        #expect(failure?.detail.contains("offers no TLS") == true)
        options.tls = .off
        #expect(try await MySQLRecordSource(options).inspection().product.contains("no TLS"))
    }

    @Test(arguments: servers) func `says that an account may have to use TLS`(server: MySQLServer) async throws {
        try await MySQLTestDatabase.use(server) { database in
            let user = String(database.name.suffix(30))
            try await database.run("CREATE USER '\(user)'@'%' IDENTIFIED BY 'Secret-1' REQUIRE SSL")
            let source = try database.source {
                $0.user = user
                $0.password = Secret("Secret-1")
                $0.tls = .off
                $0.allowsPlaintext = true
            }
            let failure = await portFailure { try await source.highestID() }
            try await database.run("DROP USER '\(user)'@'%'")
            #expect(failure?.kind == .unauthorised)
            #expect(failure?.detail.contains("TLS") == true)
        }
    }
}
