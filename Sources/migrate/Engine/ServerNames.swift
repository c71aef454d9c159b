import FoundationEssentials
import Migration
import Settings

extension JobServers {
    /// The servers that the settings name, without credentials.
    ///
    /// - Parameter settings: those of services that the command does not use are absent.
    init(_ settings: Settings) {
        // Of `database.table` the database counts; what the connection begins in does not.
        let database = { (mysql: Settings.MySQL) in
            TableName(mysql.table)?.database ?? mysql.database
        }
        self.init(
            source: settings.mysql.map { ["\($0.host.lowercased()):\($0.port)/\(database($0))"] } ?? [],
            points: settings.qdrant.map { [Self.name(ofURL: $0.url)] } ?? [],
            embedder: settings.openai.map { [Self.name(ofURL: $0.baseURL)] } ?? []
        )
    }

    /// Scheme, host, port and path: what tells one server from another.
    ///
    /// A user, a password and a query are left out: they may be secrets, and they change without the server moving.
    ///
    /// - Parameter text: as a setting has it.
    /// - Returns: 500 characters at most.
    static func name(ofURL text: String) -> String {
        guard var parts = URLComponents(string: text) else { return "unreadable address" }
        parts.user = nil
        parts.password = nil
        parts.query = nil
        parts.fragment = nil
        parts.scheme = parts.scheme?.lowercased()
        parts.host = parts.host.map(InternationalHost.name)
        if parts.port == ["http": 80, "https": 443][parts.scheme ?? ""] { parts.port = nil }
        while parts.path.hasSuffix("/") { parts.path.removeLast() }
        return String((parts.string ?? "unreadable address").prefix(JobServers.lengthMax))
    }
}
