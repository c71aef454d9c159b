/// The folder where this host keeps what it notes: the claims that runners hold, and the tracking file.
package struct StateFolder: Equatable {
    /// The folder in the settings.
    let named: String?
    let environment: [String: String]

    package init(named: String?, environment: [String: String]) {
        self.named = named
        self.environment = environment
    }

    /// Nil if there is no home directory.
    package var path: String? {
        if let named { return named }
        let folder = value("XDG_STATE_HOME") ?? value("HOME").map { "\($0)/.local/state" }
        return folder.map { "\($0)/migrate" }
    }

    /// The tracking file, unless the settings name another one; nil if there is no home directory.
    var trackingFile: String? { path.map { "\($0)/tracking.db" } }

    private func value(_ name: String) -> String? { environment[name].flatMap { $0.isEmpty ? nil : $0 } }
}
