package import Migration
import Settings

extension MySQLRecordSource: Inspectable {
    package func inspection() async throws(PortFailure) -> Inspection {
        try await planner.use { [names, options] (connection) async throws(PortFailure) in
            try await connection.read { (handle) throws(PortFailure) in
                try MySQLInspector(names: names, options: options).inspect(handle)
            }
        }
    }
}

/// Finds out whether the table can be migrated; reads one row, but of its text only the length.
struct MySQLInspector: Sendable {
    let names: MySQLNames
    let options: MySQLOptions

    func inspect(_ handle: borrowing MySQLHandle) throws(PortFailure) -> Inspection {
        let product = try product(handle)
        var facts: [String] = []
        do {
            let columns = try columns(handle)
            let (found, problems) = report(on: columns)
            facts += found
            if !problems.isEmpty { return Inspection(product: product, facts: facts, problems: problems) }
            facts += try rows(handle)
            facts += try warnings(handle, columns: columns)
        } catch {
            // A problem of the table is a result; a problem of the connection is an error.
            guard error.kind == .rejected || error.kind == .unauthorised else { throw error }
            return Inspection(product: product, facts: facts, problems: [error.detail])
        }
        return Inspection(product: product, facts: facts)
    }

    /// `MariaDB 10.11.19, TLSv1.3`.
    private func product(_ handle: borrowing MySQLHandle) throws(PortFailure) -> String {
        var version = ""
        try handle.forEachRow(of: "SELECT @@version") { row in version = row.string(0) ?? "" }
        let name = version.lowercased().contains("mariadb") ? "MariaDB" : "MySQL"
        return "\(name) \(version.prefix { $0.isNumber || $0 == "." }), \(handle.tlsVersion ?? "no TLS")"
    }

    private struct Column {
        let name: String
        let type: String
    }

    private func columns(_ handle: borrowing MySQLHandle) throws(PortFailure) -> [Column] {
        var columns: [Column] = []
        try handle.forEachRow(of: "SHOW COLUMNS FROM \(names.table)") { row in
            columns.append(Column(name: row.string(0) ?? "", type: row.string(1) ?? ""))
        }
        return columns
    }

    private func report(on columns: [Column]) -> (facts: [String], problems: [String]) {
        var facts: [String] = []
        var problems: [String] = []
        for (name, setting) in [
            (options.columns.id, "MYSQL_ID_COLUMN"), (options.columns.tenant, "MYSQL_TENANT_COLUMN"),
            (options.columns.content, "MYSQL_CONTENT_COLUMN"),
        ] {
            // Column names are compared without regard to case, as in the server.
            if let column = columns.first(where: { $0.name.lowercased() == name.lowercased() }) {
                facts.append("\(column.name) \(column.type)")
            } else {
                problems.append("table \(options.table) has no column \(name): check \(setting)")
            }
        }
        return (facts, problems)
    }

    /// The approximate number of rows, the highest id, and whether a row can be read.
    private func rows(_ handle: borrowing MySQLHandle) throws(PortFailure) -> [String] {
        var facts: [String] = []
        let schema = names.name.database.map(hex) ?? "DATABASE()"
        let estimate =
            "SELECT TABLE_ROWS FROM information_schema.TABLES "
            + "WHERE TABLE_SCHEMA = \(schema) AND TABLE_NAME = \(hex(names.name.table))"
        try handle.forEachRow(of: estimate) { (row) throws(PortFailure) in
            if let count = try row.integer(0) { facts.append("about \(count) rows") }
        }
        let all = "SELECT \(names.id) FROM \(names.table)"
        let highest = try MySQLRecordSource.ids(
            "\(all) ORDER BY \(names.id) DESC LIMIT 1",
            idColumn: names.id,
            on: handle
        )
        if let id = highest.first { facts.append("highest id \(id)") }
        let sample =
            "SELECT OCTET_LENGTH(\(names.content)), OCTET_LENGTH(\(names.tenant)) FROM \(names.table) "
            + "WHERE TRUE\(names.condition) LIMIT 1"
        var read = "no row to read"
        try handle.forEachRow(of: sample) { (row) throws(PortFailure) in
            read = "a sample row of \(try row.integer(0) ?? 0) bytes can be read"
        }
        return facts + [read]
    }

    private func warnings(_ handle: borrowing MySQLHandle, columns: [Column]) throws(PortFailure) -> [String] {
        var warnings: [String] = []
        let id = options.columns.id.lowercased()
        if columns.contains(where: { $0.name.lowercased() == id && $0.type.lowercased().contains("unsigned") }) {
            warnings.append("warning: \(options.columns.id) is unsigned; ids above 9223372036854775807 are refused")
        }
        let tenant = columns.first { $0.name.lowercased() == options.columns.tenant.lowercased() }
        warnings += tenant.flatMap { Self.warning(ofTenant: $0.type, options.columns.tenant) }.map { [$0] } ?? []
        var indexes: [String: [(column: String, isUnique: Bool)]] = [:]
        try handle.forEachRow(of: "SHOW INDEX FROM \(names.table)") { row in
            let name = row.string(2) ?? ""
            indexes[name, default: []].append(((row.string(4) ?? "").lowercased(), row.string(1) == "0"))
        }
        if indexes["PRIMARY"]?.map(\.column) == [id] { return warnings }
        let isUnique = indexes.values.contains { $0.count == 1 && $0[0].column == id && $0[0].isUnique }
        warnings.append(
            "warning: \(options.columns.id) is not the primary key"
                + (isUnique ? "" : "; rows with the same or no id are not migrated, and pages may be slow")
        )
        return warnings
    }

    /// The effect of the tenant column's type on its values.
    static func warning(ofTenant type: String, _ name: String) -> String? {
        let type = type.lowercased()
        if type.hasPrefix("binary(") {
            return "warning: \(name) is \(type): shorter values end with zero bytes, which are part of the tenant in "
                + "every point; a record whose tenant is not UTF-8 fails"
        }
        if type.hasPrefix("varbinary(") || type.hasSuffix("blob") {
            return "warning: \(name) is \(type), bytes and not text: a record whose tenant is not UTF-8 fails"
        }
        if type.hasPrefix("char(") {
            return "warning: \(name) is \(type): spaces at the end are not part of the tenant"
        }
        return nil
    }

    /// A text in SQL in a form that needs no quoting rules.
    private func hex(_ text: String) -> String {
        let digits = text.utf8.map { byte in
            let digits = String(byte, radix: 16)
            return digits.count == 1 ? "0" + digits : digits
        }
        return "_utf8mb4 X'\(digits.joined())'"
    }
}
