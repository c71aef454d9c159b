import FoundationEssentials
import Migration
import Settings

extension JobServers {
    /// The servers that the settings name, without credentials.
    ///
    /// - Parameter settings: those of services that the command does not use are nil.
    init(_ settings: Settings) {
        // For `database.table` that database counts, not the one in which the connection begins.
        let database = { (mysql: Settings.MySQL) in
            TableName(mysql.table)?.database ?? mysql.database
        }
        self.init(
            source: settings.mysql.map { ["\($0.host.lowercased()):\($0.port)/\(database($0))"] } ?? [],
            points: settings.qdrant.map { [Self.name(ofURL: $0.url)] } ?? [],
            embedder: settings.openai.map { [Self.name(ofURL: $0.baseURL)] } ?? []
        )
    }

    /// Scheme, host, port and path: they tell servers apart.
    ///
    /// User, password and query are left out: they may be secrets, and they may change while the server stays the same.
    ///
    /// - Parameter text: an address from the settings.
    /// - Returns: at most 500 characters.
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
