package import FoundationEssentials
package import Migration

/// Calls the tracking functions directly over libpq, on a few pooled connections.
package final class PostgresTransport: RPCTransport {
    private let pool: ResourcePool<PostgresConnection>

    /// Opens no connection yet.
    ///
    /// - Parameters:
    ///   - login: the server and its login.
    ///   - connectionsMax: the highest number of connections; a call takes milliseconds, so a few of them serve many
    ///     workers.
    ///   - limits: the time limits of each call.
    package init(
        _ login: PostgresLogin,
        connectionsMax: Int = 4,
        limits: PostgresConnection.Limits = .init()
    ) {
        pool = ResourcePool(limit: connectionsMax) { () async throws(PortFailure) -> PostgresConnection in
            PostgresConnection(login, limits)
        } isUsable: { connection in
            await connection.isUsable
        }
    }

    package func call(_ function: String, _ parameters: Data) async throws(PortFailure) -> Data {
        let parameters = try RPCParameters(parameters)
        let sql = "SELECT " + (try parameters.expression(function))
        do throws(PortFailure) {
            let rows = try await pool.use { (connection) async throws(PortFailure) -> [[String?]] in
                try await connection.call(sql, parameters.all.map(\.text))
            }
            guard let answer = rows.first?.first ?? nil else {
                throw PortFailure(.rejected, "\(function) answered nothing: run `migrate setup` with this version")
            }
            return Data(answer.utf8)
        } catch {
            // The server went away: other idle connections have most likely been lost too.
            if error.kind == .outcomeUnknown || error.spoilsConnection { pool.dropIdle() }
            throw error
        }
    }
}

extension PostgresTransport: Inspectable {
    package func inspection() async throws(PortFailure) -> Inspection {
        try await pool.use { (connection) async throws(PortFailure) -> Inspection in try await Self.inspect(connection)
        }
    }

    private static func inspect(_ connection: PostgresConnection) async throws(PortFailure) -> Inspection {
        let tls = try await connection.tls()
        let rows = try await connection.call(
            """
            SELECT current_setting('server_version'), current_setting('server_version_num'), current_user,
                current_setting('transaction_read_only'), to_regprocedure('public.schema_version()') IS NOT NULL
            """
        )
        guard let row = rows.first, row.count == 5, let version = row[0], let user = row[2] else {
            throw PortFailure(.rejected, "this is not a PostgreSQL server that this program knows")
        }
        let product = "PostgreSQL \(version.prefix { $0 != " " }), \(tls ?? "no TLS")"
        var facts = ["role \(user)"]
        var problems: [String] = []
        if Int(row[1] ?? "") ?? 0 < 150_000 { problems.append("PostgreSQL 15 or newer is needed") }
        if row[3] == "on" { problems.append("the database is read-only") }
        if row[4] == "t" {
            let installed = try await SchemaInstaller.installedVersion(connection)
            facts.append("tracking SQL version \(installed.version)")
            if let problem = SchemaInstaller.problem(of: installed) { problems.append(problem) }
        } else {
            problems.append("the tracking SQL is not installed: run `migrate setup`")
        }
        return Inspection(product: product, facts: facts, problems: problems)
    }
}
