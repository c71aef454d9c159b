import FoundationEssentials
import Logging
import Terminal

/// Writes log lines to standard error without ever waiting for it: a worker that logs may hold a lease.
struct ConsoleLog: LogHandler {
    let label: String
    let console: Console
    var logLevel = Logger.Level.info
    var metadata: Logger.Metadata = [:]

    init(label: String, console: Console) {
        self.label = label
        self.console = console.live
    }

    subscript(metadataKey key: String) -> Logger.Metadata.Value? {
        get { metadata[key] }
        set { metadata[key] = newValue }
    }

    func log(event: LogEvent) {
        let all = metadata.merging(event.metadata ?? [:]) { $1 }
        let pairs = all.sorted { $0.key < $1.key }.map { " \($0.key)=\($0.value)" }.joined()
        console.error(
            "\(Date().formatted(.iso8601)) \(event.level) \(label):\(pairs) [\(event.source)] \(event.message)"
        )
    }
}
